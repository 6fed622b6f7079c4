/* An unmodified program: it knows nothing of Rhodes. */
import kinds, { kinds_i32, kindsText } from 'kinds';
import { readFileSync } from 'node:fs';

let missing;
try { await import('no_such_module'); } catch (error) { missing = error.code; }
console.log(JSON.stringify([kinds_i32(42), kindsText('ä'), kinds.kinds_u8(7), missing,
                            typeof readFileSync]));
