'use strict';
/* Failures of calls.  A value that does not fit its type is a TypeError or RangeError of
 * JavaScript itself, and nothing was sent then. */

const native = require('./rhodes.node');

const names = new Map(Object.entries(native.codes).map(([name, code]) => [code, name]));

/* code: as model/errors.def calls it ('ELOST'); errno: its number; ran: whether the call
 * may have run. */
class RhodesError extends Error {
  constructor(message, { code = 0, ran = false } = {}) {
    super(message);
    this.code = names.get(code) ?? `E${-code}`;
    this.errno = code;
    this.ran = ran;
  }
  get name() { return this.constructor.name; }
}

/* The callee is gone, or was not there. */
class RhodesLostError extends RhodesError {}

/* The deadline passed. */
class RhodesTimeoutError extends RhodesError {}

/* A rule, or who this process is, forbids the call. */
class RhodesRefusedError extends RhodesError {}

/* Caller and callee do not mean the same functions. */
class RhodesInterfaceError extends RhodesError {}

/* The callee's function raised: language, type and remoteStack are what it said. */
class RhodesRaisedError extends RhodesError {
  constructor(message, told, { language, type, stack }) {
    super(message, told);
    this.language = language;
    this.type = type;
    this.remoteStack = stack;
    this.stack = `${this.name}: ${type}: ${message}\n` +
                 `${this.stack.slice(this.stack.indexOf('\n    at ') + 1)}\n` +
                 `raised in ${language}:\n${stack}`;
  }
}

const classes = new Map([
  ['ELOST', RhodesLostError], ['EGONE', RhodesLostError], ['EDOWN', RhodesLostError],
  ['ETIMEDOUT', RhodesTimeoutError],
  ...['ELAYER', 'ENOEDGE', 'EREVOKED', 'ERULE', 'EIDENT', 'EACCES', 'EPERM']
    .map((name) => [name, RhodesRefusedError]),
  ...['EFUNC', 'EINTERFACE', 'ENOCARRY', 'EVERSION']
    .map((name) => [name, RhodesInterfaceError]),
]);

/* What the addon makes errors with. */
function fail(code, ran, text, exception) {
  if (exception) return new RhodesRaisedError(exception.message, { code, ran }, exception);
  return new (classes.get(names.get(code)) ?? RhodesError)(text, { code, ran });
}

native.setup(fail);

module.exports = { RhodesError, RhodesLostError, RhodesTimeoutError, RhodesRefusedError,
                   RhodesInterfaceError, RhodesRaisedError, fail };
