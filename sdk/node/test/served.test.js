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

test('calls after failures', () => assert.equal(kinds.kinds_i32(5), 5));
