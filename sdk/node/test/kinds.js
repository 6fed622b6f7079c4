'use strict';
/* kinds.c in JavaScript. */
const fs = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');
const { raw, setErrno } = require('rhodes');

class Box {
  static count = 0;
  constructor(value) { this.value = value; Box.count++; }
}

/* For served.test.js: an object that two callers make, one that does not end in order, and one
 * that comes with what cannot be sent. */
const SHARED = new Box(4242), BROKEN = 4343, LOST = 4444;
const HUGE = Buffer.alloc(8 << 20, 'a');
let lost;
Box.count = 0;
v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');

function boxNew(value) {
  if (value !== SHARED.value) return new Box(value);
  Box.count++;
  return SHARED;
}

const ZERO = { tag: [0, 0, 0], low: 0, high: 0, weight: 0, share: 0, either: Buffer.alloc(4),
               at: [{ x: 0, y: 0 }, { x: 0, y: 0 }], big: 0n, bigs: [0n, 0n] };
const same = (value) => value;
function losing() {
  const box = new Box(LOST);
  Box.count--;
  lost = new WeakRef(box);
  return box;
}
const waiting = [];
const rings = [];
let rang = () => {};
const kinds = {
  kinds_i8: same, kinds_u8: same, kinds_i16: same, kinds_u16: same, kinds_i32: same,
  kinds_u32: same, kinds_i64: same, kinds_u64: same, kinds_f32: raw(same), kinds_f64: raw(same),
  kinds_enum: same, kinds_struct: raw(same), kinds_text: same, kinds_maybe: same,
  kinds_own: raw(same),
  kindsMix: (a, b, c, d, e, f) => BigInt.asIntN(64, BigInt(a + b + c + d + e) + f),
  kinds_struct_in: raw((value) => ({ result: value ? 0 : -1, ret_value: value ?? ZERO })),
  kinds_struct_inout: ({ x, y }) => ({ value: { x: y, y: x } }),
  kinds_id: (bytes) => ({ out: Buffer.from(bytes).reverse() }),
  kinds_scalars: (n, count) => ({ result: 7, ret_twice: BigInt.asIntN(64, 2n * n),
                                  count: count + 1, ret_half: Number(n) / 2 }),
  kinds_text_out: (text) => text === 'huge' ? { result: 'none', ret_text: HUGE } : ({ result: Buffer.byteLength(text), ret_text: text }),
  kinds_broken: () => Buffer.from('61ffc37a', 'hex'),
  kinds_path: (path) => {
    switch (path.slice(path.lastIndexOf('/') + 1)) { /* what goes wrong, for served.test.js */
      case 'reject': return Promise.reject(new SyntaxError('later'));
      case 'throw': throw 7;
      case 'type': return 'text';
      case 'range': return 2n ** 64n;
      case 'thenable': return { then(resolve) { resolve(5n); } };
      case 'met': setErrno(4); return kinds.kinds_meet(2).then(() => -1n);
      case 'later': return kinds.kinds_meet(2).then(() => { setErrno(11); return -1n; });
      case 'kept': gc(); return lost.deref() ? 1n : 0n;
      case 'memory': return BigInt(process.memoryUsage.rss());
    }
    try {
      return BigInt(fs.statSync(path).size);
    } catch (error) {
      setErrno(-error.errno);
      return -1n;
    }
  },
  kinds_sum: (bytes) => bytes.reduce((sum, byte) => BigInt.asUintN(64, sum * 31n + BigInt(byte)),
                                     BigInt(bytes.length)),
  kinds_words: (bytes) => {
    let sum = 0n;
    for (let i = 0; i < bytes.length; i += 4) sum += BigInt(bytes.readUInt32LE(i));
    return sum;
  },
  kinds_fill: (cap, wanted) =>
    ({ bytes: Buffer.alloc(Math.min(Number(cap), wanted)).map((_, i) => i) }),
  kinds_copy: (bytes, room) => ({ result: bytes.length <= room ? 0 : -1,
                                  copy: bytes.subarray(0, Number(room)),
                                  room: BigInt(bytes.length) }),
  kinds_reverse: (bytes) => ({ result: bytes.length, bytes: Buffer.from(bytes).reverse() }),
  kinds_peek: (box) => Buffer.from(new Int32Array([box.value]).buffer),
  kinds_drain: (fd) => BigInt(fs.readFileSync(fd).length),
  kinds_open_null: () => fs.openSync('/dev/null', 'r'),
  box_new: boxNew,
  box_make: (value) => value === LOST ? { result: 'none', ret_box: losing() } : ({ result: value, ret_box: value < 0 ? null : new Box(value) }),
  box_get: (box) => (box ? box.value : -1),
  box_set: (box, value) => {
    const before = box.value;
    box.value = value;
    return before;
  },
  box_self: same,
  box_name: async (box) => `box${box.value % 10}`,
  box_free: (box) => {
    Box.count--;
    if (box.value === BROKEN) throw new Error('broken');
  },
  box_count: () => Box.count,
  kinds_meet: (count) => new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length >= count) waiting.splice(0).forEach((one) => one(count));
  }),
  kindsWaiting: () => waiting.length,
  kindsRing: (who, count) => { rings.push(...Array(count).fill(who)); rang(); },
  kindsRung: async function* () {
    for (let number = 1; ; number++) {
      while (!rings.length) await new Promise((resolve) => { rang = resolve; });
      yield { result: 0, ret_who: rings.shift(), ret_number: { x: number, y: -1 } };
    }
  },
  kinds_pid: () => process.pid,
  kinds_die: () => { throw new RangeError('dies not'); },
};
module.exports = kinds;
