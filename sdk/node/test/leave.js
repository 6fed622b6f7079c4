'use strict';
/* Rounds of four calls, as tests/system/leaks.py asks for them. */
const readline = require('node:readline');
const rhodes = require('rhodes');

const kinds = rhodes.open('kinds');

function round(i) {
  if (kinds.kinds_i32(i) !== i || kinds.kinds_own('text') !== 'text') process.exit(1);
  kinds.box_new(i).close();
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  for (let i = 0; i < Number(line); i++) round(i);
  process.stdout.write(`${kinds.box_count()}\n`);
});
