'use strict';
/* rhodes - callees in other processes as modules, and servers in JavaScript. */

function load() {
  try {
    return require('./rhodes.node');
  } catch (error) {
    if (/librhodes\.so/.test(error.message))
      error.message += '\n(start the program with `rhodes run` or `rhodes serve`, or' +
                       ' install Rhodes)';
    throw error;
  }
}

const { nop, errno } = load();
const { RhodesError, RhodesLostError, RhodesTimeoutError, RhodesRefusedError,
        RhodesInterfaceError, RhodesRaisedError } = require('./errors.js');
const { open, find, Handle } = require('./library.js');
const { serve, typed, raw, stop } = require('./server.js');
const { followCalls, setErrno } = require('./errno.js');

/* As plain names, so that import finds them. */
module.exports = { open, find, serve, typed, raw, stop, errno, setErrno, nop, Handle,
                   RhodesError, RhodesLostError, RhodesTimeoutError, RhodesRefusedError,
                   RhodesInterfaceError, RhodesRaisedError };

Object.defineProperty(module.exports, 'setErrno', {
  enumerable: true,
  get() { followCalls(); return setErrno; },
});
