'use strict';
/* What the callee raised, in one line. */
const rhodes = require('rhodes');

try {
  rhodes.open(process.argv[2]).raises_error('four');
} catch (error) {
  if (!(error instanceof rhodes.RhodesRaisedError)) throw error;
  console.log([error.language, error.type, error.message, Number(error.remoteStack !== '')].join('|'));
}
