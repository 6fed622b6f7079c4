/* An unmodified program: it knows nothing of Rhodes. */
const kinds = require('kinds');
const { kinds_i32, kindsText } = require('libkinds');
let missing;
try { require('no_such_module'); } catch (error) { missing = error.code; }
import('kinds').then((again) => console.log(JSON.stringify(
  [kinds_i32(42), kindsText('ä'), kinds === require('libkinds'), again.default === kinds,
   missing, require('fs') === require('node:fs')])));
