'use strict';
/* Events: the next one, in order, and that none came. */
const { test, assert, kinds } = require('./kit.js');

const none = process.env.RHODES_TIMEOUT_MS; /* nobody rings, and patience is short */

test('events come in order', { skip: none }, async () => {
  kinds.kinds_ring(7n, 4);
  const first = kinds.kinds_rung();
  assert.deepEqual(first, { result: 0, ret_who: 7n,
                            ret_number: { x: first.ret_number.x, y: -1 } });
  for (let i = 1; i < 4; i++) {
    const event = i % 2 ? kinds.kindsRung() : await kinds.kinds_rung.async();
    assert.deepEqual([event.ret_who, event.ret_number.x], [7n, first.ret_number.x + i]);
  }
});

/* So short a patience may end before the callee is there, too. */
async function attached(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!/agent of app\w* did not answer/.test(error.message)) throw error;
    }
  }
}

test('null when none came', { skip: !none }, async () => {
  assert.equal(await attached(() => kinds.kinds_rung()), null);
  assert.equal(await attached(() => kinds.kinds_rung.async()), null);
});
