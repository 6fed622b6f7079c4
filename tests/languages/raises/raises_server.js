'use strict';
/* A server that raises, in JavaScript. */
class Strange extends Error {
  get name() { return 'Strange'; }
}

exports.raises_error = async (what) => {
  if (what === 'four') throw new Strange('no number: grüß');
  return Number(what);
};
exports.raises_panic = (what) => { throw what; };
exports.raises_twice = (number) => 2 * number;
exports.raises_tell = () => 0;
exports.raises_told = function* () {};
