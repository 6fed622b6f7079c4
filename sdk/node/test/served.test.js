'use strict';
/* What a server in JavaScript tells of what went wrong. */
const { test, assert, kinds, rhodes } = require('./kit.js');

const raised = (call, wanted) => assert.throws(call, (error) => {
  assert.ok(error instanceof rhodes.RhodesRaisedError, String(error));
  for (const [key, value] of Object.entries({ language: 'javascript', ...wanted }))
    assert.match(String(error[key]), value instanceof RegExp ? value : new RegExp(`^${value}$`));
  return true;
});

test('what a function throws arrives', () => {
  raised(() => kinds.kinds_die(), { code: 'ERAISED', type: 'RangeError', message: 'dies not',
                                    remoteStack: /RangeError: dies not\n +at .*kinds\.js/,
                                    stack: /raised in javascript:\nRangeError/ });
  raised(() => kinds.box_set(null, 1), { type: 'TypeError' });
});

test('a promise that is rejected, and what is no Error', async () => {
  raised(() => kinds.kinds_path('reject'), { type: 'SyntaxError', message: 'later' });
  raised(() => kinds.kinds_path('throw'), { type: 'throw', message: '7' });
  await assert.rejects(kinds.kinds_path.async('reject'), rhodes.RhodesRaisedError);
});

test('a result that does not fit its type', () => {
  raised(() => kinds.kinds_path('type'), { type: 'TypeError', message: /what was returned/ });
  raised(() => kinds.kinds_path('range'), { type: 'RangeError' });
});

test('errno', () => {
  assert.equal(kinds.kinds_path('none'), -1n);
  assert.equal(rhodes.errno(), 2);
  kinds.kinds_i32(1);
  assert.equal(rhodes.errno(), 0);
});

test('errno is that of a call, also of one that awaits', async () => {
  const other = kinds.kinds_meet.async(2); /* its promise is resolved first */
  assert.equal(kinds.kinds_path('met'), -1n);
  assert.equal(rhodes.errno(), 4);
  await other;
});

test('errno is set behind an await', async () => {
  const other = kinds.kinds_meet.async(2); /* whose await ends with this call's */
  assert.equal(kinds.kinds_path('later'), -1n);
  assert.equal(rhodes.errno(), 11);
  await other;
  kinds.kinds_i32(1);
  assert.equal(rhodes.errno(), 0);
});

test('what is like a promise is awaited', () => assert.equal(kinds.kinds_path('thenable'), 5n));

test('who makes an object twice ends it twice', () => {
  const first = kinds.box_new(4242), second = kinds.box_new(4242);
  assert.notEqual(first, second);
  assert.equal(kinds.box_self(first), first);
  first.close();
  assert.equal(kinds.box_get(second), 4242);
  second.close();
});

test('an object is gone, whatever the function that ends it says', () => {
  const box = kinds.box_new(4343);
  raised(() => kinds.box_free(box), { type: 'Error', message: 'broken' });
  raised(() => kinds.box_get(box), { type: 'ReferenceError', message: 'the object was destroyed' });
});

test('nothing is kept of an answer that cannot be sent', () => {
  raised(() => kinds.box_make(4444), { type: 'TypeError', message: /what was returned/ });
  assert.equal(kinds.kinds_path('kept'), 0n);
  const before = kinds.kinds_path('memory');
  for (let i = 0; i < 64; i++) raised(() => kinds.kinds_text_out('huge'), { type: 'TypeError' });
  const grown = kinds.kinds_path('memory') - before;
  assert.ok(grown < 256n << 20n, `${grown} bytes more`); /* of 512 MiB */
});

test('what is said of a function', () => {
  const { typed, raw } = rhodes;
  const object = { number: 3, f: typed('f, i32|a, i32', raw(function (a) { return a + this.number; })) };
  assert.equal(object.f(4), 7);
  assert.deepEqual([object.f.raw, object.f.signature, object.f.wanted], [true, 'f, i32|a, i32', 1]);
});

test('calls after failures', () => assert.equal(kinds.kinds_i32(5), 5));
