'use strict';
/* Calls that return promises: beside each other, and never in the way of the event loop. */
const { test, assert, turn, kinds, rhodes } = require('./kit.js');

test('a promise has what the call returns', async () => {
  assert.equal(await kinds.kinds_i32.async(-5), -5);
  assert.equal(await kinds.promises.kinds_text('tëxt'), 'tëxt');
  assert.equal(await kinds.promises.kindsOwn(''), '');
  assert.deepEqual(await kinds.kinds_fill.async(10, 3),
                   { result: 3n, bytes: Buffer.from([0, 1, 2]) });
  assert.deepEqual(await kinds.kinds_own.raw.async('ab'), Buffer.from('ab'));
});

test('what is refused rejects', async () => {
  const refused = kinds.kinds_i8.async(1000);
  assert.ok(refused instanceof Promise);
  await assert.rejects(refused, RangeError);
  await assert.rejects(kinds.kinds_text.async('a\0'), TypeError);
  await assert.rejects(kinds.kinds_i8.async(), TypeError);
  await assert.rejects(kinds.promises.kinds_print('x'), rhodes.RhodesInterfaceError);
});

test('arguments are those of the moment of the call', async () => {
  const all = Array.from({ length: 300 }, (_, i) => Buffer.alloc(100, i));
  const sums = all.map((bytes) => kinds.kinds_sum(bytes));
  const later = all.map((bytes) => kinds.kinds_sum.async(bytes));
  all.forEach((bytes) => bytes.fill(0)); /* most of them wait for a thread */
  assert.deepEqual(await Promise.all(later), sums);
});

test('100 in flight', async () => {
  const all = Array.from({ length: 100 }, (_, i) => kinds.kinds_i32.async(i));
  all.push(...Array.from({ length: 100 }, (_, i) => kinds.kinds_text.async(`text ${i}`)));
  const got = await Promise.all(all);
  assert.deepEqual(got.slice(0, 100), Array.from({ length: 100 }, (_, i) => i));
  assert.deepEqual(got.slice(100), Array.from({ length: 100 }, (_, i) => `text ${i}`));
});

/* None of them returns before the last one has come. */
test('calls that wait for each other', async () => {
  const got = await Promise.all(Array.from({ length: 12 }, () => kinds.kinds_meet.async(12)));
  assert.deepEqual(got, Array(12).fill(12));
});

test('the event loop goes on while a call waits', async () => {
  let isDone = false;
  const waiting = kinds.kinds_meet.async(2).then((value) => { isDone = true; return value; });
  for (let i = 0; i < 1000; i++) await turn(); /* it turns a thousand times meanwhile */
  assert.equal(isDone, false);
  assert.equal(kinds.kinds_i32(3), 3);
  assert.equal(await kinds.kinds_meet.async(2), 2);
  assert.equal(await waiting, 2);
});

test('a handle may be used by many at once', async () => {
  const box = kinds.box_new(3);
  const got = await Promise.all(Array.from({ length: 100 }, (_, i) =>
    (i % 2 ? kinds.box_name.async(box) : kinds.box_get.async(box))));
  got.forEach((value, i) => assert.equal(value, i % 2 ? 'box3' : 3));
  box.close();
});
