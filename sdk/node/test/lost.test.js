'use strict';
/* A callee that is killed is an error, and the program goes on. */
const { test, assert, kinds, rhodes, until } = require('./kit.js');

test('killed in the middle of a call', async () => {
  assert.throws(() => kinds.kinds_die(), (error) =>
    error instanceof rhodes.RhodesLostError && error.code === 'ELOST' && error.ran === true);
  assert.equal(kinds.kinds_i32(1), 1); /* the next instance */
  await assert.rejects(kinds.kinds_die.async(), rhodes.RhodesLostError);
  assert.equal(await kinds.kinds_i32.async(2), 2);
});

test('killed with many in flight', async () => {
  const waiting = Array.from({ length: 10 }, () => kinds.kinds_meet.async(1000));
  await until(async () => (await kinds.kinds_waiting.async()) === 10);
  waiting.push(kinds.kinds_die.async());
  for (const one of await Promise.allSettled(waiting)) {
    assert.equal(one.status, 'rejected');
    assert.ok(one.reason instanceof rhodes.RhodesLostError, String(one.reason));
  }
  assert.equal(kinds.kinds_i32(3), 3);
});

test('an object of a dead callee', () => {
  const box = kinds.box_new(1);
  assert.throws(() => kinds.kinds_die(), rhodes.RhodesLostError);
  assert.throws(() => kinds.box_get(box), rhodes.RhodesLostError);
  box.close();
  assert.equal(box.closed, true);
});
