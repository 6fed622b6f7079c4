'use strict';
/* errno of a served function's caller, which the function may set behind an await, too, while
 * others run.  To know then which call it is costs each promise of the process something
 * (async_hooks): that begins when a program asks for setErrno. */

const { AsyncLocalStorage } = require('node:async_hooks');
const native = require('./rhodes.node');

let calls; /* the number of the call, wherever its function awaits */

const followCalls = () => { calls ??= new AsyncLocalStorage(); };

/* The function, called as one of which it is known for whom it runs. */
const inCall = (f) => (...words) => (calls ? calls.run(native.running(), f, ...words) : f(...words));

const setErrno = (number) => native.setErrno(number, calls?.getStore() ?? 0);

module.exports = { followCalls, inCall, setErrno };
