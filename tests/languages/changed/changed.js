'use strict';
/* Calls functions that become others meanwhile: prints what it is told, a call a line. */
const fs = require('node:fs');
const rhodes = require('rhodes');

function told(call, ...values) {
  try {
    call(...values);
  } catch (error) {
    if (!(error instanceof rhodes.RhodesInterfaceError)) throw error;
    console.log(error.message.replaceAll('\n', '|'));
  }
}

const sums = rhodes.open('sums');
console.log(sums.sums_same(1));
fs.readSync(0, Buffer.alloc(10));
told(sums.sums_add, 1, 2);
told(sums.sums_add, 1, 2);
told(sums.sums_gone, 1);
console.log(sums.sums_same(3));
