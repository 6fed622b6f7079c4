'use strict';
/* Objects of the callee.  node --expose-gc */
const { test, assert, kinds, rhodes, until } = require('./kit.js');

const gone = () => until(async () => {
  globalThis.gc();
  return (await kinds.box_count.async()) === 0;
});

test('an object is one handle', () => {
  const box = kinds.box_new(7);
  assert.ok(box instanceof rhodes.Handle);
  assert.equal(box.constructor, kinds.handles.box);
  assert.equal(kinds.box_self(box), box);
  assert.equal(kinds.box_get(box), 7);
  assert.equal(kinds.box_set(box, 8), 7);
  assert.deepEqual(kinds.kinds_peek(box), Buffer.from([8, 0, 0, 0]));
  assert.equal(kinds.box_get(null), -1); /* as the side file allows */
  assert.throws(() => kinds.box_name(null), TypeError);
  assert.deepEqual(kinds.box_make(-1), { result: -1, ret_box: null });
  box.close();
});

test('what ended is refused before anything is sent', () => {
  const closed = kinds.box_new(1), freed = kinds.box_new(2);
  assert.equal(kinds.box_count(), 2);
  closed.close();
  closed.close();
  kinds.box_free(freed);
  for (const box of [closed, freed]) {
    assert.equal(box.closed, true);
    assert.throws(() => kinds.box_get(box), { code: 'EHANDLE', ran: false });
    assert.throws(() => kinds.box_free(box), { code: 'EHANDLE' });
  }
  freed.close();
  assert.equal(kinds.box_count(), 0);
});

test('only handles of that type', () => {
  for (const value of [{}, 7, 'box', Object.create(kinds.handles.box.prototype), () => 1])
    assert.throws(() => kinds.box_get(value), TypeError);
  assert.throws(() => new kinds.handles.box(), TypeError);
  assert.throws(() => kinds.handles.box.prototype.close.call({}), TypeError);
});

test('what nobody holds any more ends', async () => {
  for (let i = 0; i < 200; i++) kinds.box_new(i);
  await gone();
});

test('a call under way keeps its object', async () => {
  let names = Promise.all(Array.from({ length: 20 }, (_, i) =>
    kinds.box_name.async(kinds.box_new(i % 10))));
  globalThis.gc();
  (await names).forEach((name, i) => assert.equal(name, `box${i % 10}`));
  names = null;
  await gone();
});

test('close waits for calls under way, a function does not', async () => {
  const box = kinds.box_new(5), name = kinds.box_name.async(box);
  assert.throws(() => kinds.box_free(box), { code: 'EBUSY' });
  box.close();
  assert.equal(box.closed, true);
  assert.throws(() => kinds.box_get(box), { code: 'EHANDLE' });
  assert.equal(await name, 'box5');
  await until(async () => (await kinds.box_count.async()) === 0);
});
