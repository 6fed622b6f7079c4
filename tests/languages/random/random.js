'use strict';
/* textstat with random values, called from JavaScript; README.md beside this.  Real numbers
 * are told by their bytes, as a number of JavaScript is one NaN only.
 *
 *     node random.js RESOURCE SEED ROUNDS FILE */
const fs = require('node:fs');
const rhodes = require('rhodes');

const [resource, seed, rounds, name] = process.argv.slice(2);
const ts = require(resource);
const NUMBERS = 8; /* times, in a round */
const DOCS = 3;
const SHOWN = 24;
const MANY = 3 << 24;
const LARGE = 1 << 20;
const PIECES = ['a', 'Z', ' ', '\n', 'ß', '€', '😀', '\ufffd'].map((piece) => Buffer.from(piece));
const LETTERS = Buffer.from('aeiouxyzQRS \n\t.~');
const DIGITS = Buffer.from('0123456789123456');

const cut = (n) => BigInt.asUintN(64, n);

function mix(of) {
  let z = cut((of ^ of >> 30n) * 0xbf58476d1ce4e5b9n);
  z = cut((z ^ z >> 27n) * 0x94d049bb133111ebn);
  return z ^ z >> 31n;
}

/* ---- values */

let state = BigInt(seed);

function next() {
  state = cut(state + 0x9e3779b97f4a7c15n);
  return mix(state);
}

const below = (n) => Number(next() % BigInt(n));

function wide(bits) {
  const all = (1n << BigInt(bits)) - 1n, top = 1n << BigInt(bits - 1);
  let n = next() >> BigInt(64 - bits);
  n >>= BigInt(below(bits));
  return n ^ [0n, all, top, all ^ top][below(4)];
}

const unsigned = (bits) => Number(wide(bits));
const signed = (bits) => Number(BigInt.asIntN(bits, wide(bits)));

/* Its bytes. */
function real(exponent, mantissa) {
  const quiet = 1n << BigInt(mantissa - 1), all = (1n << BigInt(exponent)) - 1n;
  const sign = BigInt(below(2)), kind = below(8);
  let m = next() >> BigInt(64 - mantissa), e = next() >> BigInt(64 - exponent);
  if (kind <= 2) e = all;
  else if (kind <= 4) e = 0n;
  if (kind === 0) m |= quiet;
  else if (kind === 1) m = (m & ~quiet) | 1n;
  else if (kind === 2 || kind === 4) m = 0n;
  if (exponent === 8 && e === all && m) m |= quiet;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(sign << BigInt(exponent + mantissa) | e << BigInt(mantissa) | m);
  return bytes.subarray(0, (1 + exponent + mantissa) / 8);
}

function size() {
  const kind = below(16);
  if (kind === 0) return 0;
  if (kind <= 10) return below(33);
  if (kind <= 12) return 380 + below(9);
  return below(kind <= 14 ? 2000 : 70000);
}

function bytes(length) {
  const made = Buffer.alloc(Math.ceil(length / 8) * 8);
  for (let i = 0; i < length; i += 8) made.writeBigUInt64LE(next(), i);
  return made.subarray(0, length);
}

const utf8 = () => Buffer.concat(Array.from(bytes(size()), (byte) => PIECES[byte % 8]));
const letters = (data, of) => data.map((byte) => of[byte % 16]);

function text() {
  const kind = below(4);
  if (kind === 2) return letters(bytes(size()), LETTERS);
  if (kind === 0) return bytes(size()).map((byte) => byte || 1);
  const made = utf8();
  return kind === 3 && made.length ? made.subarray(0, made.length - 1) : made;
}

const perhaps = () => (below(4) ? utf8() : null);
const unit = () => (below(2) ? below(4) : signed(32));

function numeral() {
  if (!below(4)) return text();
  const sign = ['', '-', '+', ' '][below(4)];
  return Buffer.concat([Buffer.from(sign), letters(bytes(below(22)), DIGITS)]);
}

const span = () => ({ offset: unsigned(32), length: unsigned(32) });

const summary = () => ({
  counts: { bytes: wide(64), words: wide(64), lines: wide(64), mean_word: real(11, 52) },
  longest: span(), letters: Array.from({ length: 26 }, () => unsigned(32)),
  share: real(8, 23), is_ascii: signed(8),
});

/* ---- lines */

function digestOf(data) {
  const padded = Buffer.alloc(Math.ceil(data.length / 8) * 8);
  padded.set(data);
  let all = BigInt(data.length);
  for (let i = 0; i < padded.length; i += 8) all = mix(all ^ padded.readBigUInt64LE(i));
  return all;
}

const hex = (n, bits) => BigInt.asUintN(bits, BigInt(n)).toString(16).padStart(bits / 4, '0');

function shown(data) {
  if (data === null) return 'null';
  const start = `${data.length}:`;
  return data.length <= SHOWN ? start + data.toString('hex')
    : `${start}${data.toString('hex', 0, 8)}..${hex(digestOf(data), 64)}`;
}

function bitsOf(value, width) {
  let told = value;
  if (typeof value === 'number') {
    told = Buffer.alloc(width / 8);
    if (width === 64) told.writeDoubleLE(value);
    else told.writeFloatLE(value);
  }
  return Buffer.from(told).reverse().toString('hex');
}

const mean = (value) => (typeof value === 'number' && !Number.isNaN(value) ? bitsOf(value, 64)
                                                                           : 'nan');
const counted = (of, exact = false) => [hex(of.bytes, 64), hex(of.words, 64), hex(of.lines, 64),
  exact ? bitsOf(of.mean_word, 64) : mean(of.mean_word)].join(' ');
const spanned = (of) => `${hex(of.offset, 32)} ${hex(of.length, 32)}`;
const rest = (of) => [spanned(of.longest), ...of.letters.map((count) => hex(count, 32)),
  bitsOf(of.share, 32), hex(of.is_ascii, 8)].join(' ');
const summed = (of) => `${counted(of.counts, true)} ${rest(of)}`;

let round = 0, calls = 0, digest = 0n;

function say(...words) {
  const line = `${round} ${words.join(' ')}`;
  digest = mix(digest ^ digestOf(Buffer.from(line)));
  calls++;
  fs.writeSync(1, `${line}\n`);
}

const failed = (is) => hex(is ? rhodes.errno() : 0, 32);

/* What does not fit is told before anything is sent. */
function refused(error, f, ...words) {
  try {
    f(...words);
  } catch (thrown) {
    if (thrown instanceof error) return;
  }
  throw new Error(`differs: ${f.name}(${words}) throws no ${error.name}`);
}

/* ---- calls */

function integers() {
  const a = signed(32), b = signed(32);
  const few = [signed(8), unsigned(8), signed(16), unsigned(16), unsigned(32),
               BigInt.asIntN(64, wide(64))];
  const x = wide(64), y = wide(64);
  say('ts_add', hex(a, 32), hex(b, 32), '=', hex(ts.tsAdd(a, b), 32));
  say('ts_sum', ...[8, 8, 16, 16, 32, 64].map((bits, i) => hex(few[i], bits)), '=',
      hex(ts.tsSum(...few), 64));
  say('ts_max', hex(x, 64), hex(y, 64), '=', hex(ts.tsMax(x, y), 64));
  refused(RangeError, ts.tsMax, x + 2n ** 64n, y);
  refused(RangeError, ts.tsAdd, a, b + 2 ** 32);
}

function reals() {
  const a = real(11, 52), b = real(8, 23), value = real(11, 52);
  say('ts_mean', bitsOf(a), bitsOf(b), '=', mean(ts.tsMean(a, b)));
  say('ts_same', bitsOf(value), '=', bitsOf(ts.tsSame.raw(value), 64));
}

function units() {
  const one = unit();
  say('ts_next', hex(one, 32), '=', hex(ts.tsNext(one), 32));
}

function structs() {
  const one = span(), two = span(), by = signed(32), a = summary(), b = summary();
  if (below(4) === 0) b.counts.bytes = a.counts.bytes;
  say('ts_end', spanned(one), '=', hex(ts.tsEnd(one), 32));
  const moved = ts.tsShift(two, by);
  say('ts_shift', spanned(two), hex(by, 32), '=', hex(moved.result, 32), failed(moved.result !== 0),
      spanned(moved.span));
  say('ts_longer', summed(a), summed(b), '=', summed(ts.tsLonger.raw(a, b)));
}

function counts() {
  const some = text(), other = perhaps(), third = text(), of = unit();
  say('ts_count', shown(some), '=', counted(ts.tsCount(some)));
  const measured = ts.tsMeasure(other, of);
  say('ts_measure', shown(other), hex(of, 32), '=', hex(measured, 64), failed(measured < 0n));
  const { result, ret_summary: all } = ts.tsSummarize(third);
  say('ts_summarize', shown(third), '=', hex(result, 32), counted(all.counts), rest(all));
  refused(TypeError, ts.tsCount, Buffer.concat([some, Buffer.alloc(1), third]));
}

function texts() {
  const some = text(), other = text(), digits = numeral();
  const times = below(4) ? below(4) : (unsigned(32) | MANY) >>> 0;
  say('ts_upper', shown(some), '=', shown(ts.tsUpper.raw(some)));
  const repeated = ts.tsRepeat.raw(other, times);
  say('ts_repeat', shown(other), hex(times, 32), '=', failed(repeated === null), shown(repeated));
  const parsed = ts.tsParse(digits);
  say('ts_parse', shown(digits), '=', hex(parsed, 64), failed(parsed === -1n));
}

function buffers() {
  const hashed = bytes(size()), cap = size(), count = unsigned(32);
  say('ts_hash', shown(hashed), '=', hex(ts.tsHash(hashed), 64));
  const filled = ts.tsFill(cap, count);
  say('ts_fill', hex(cap, 32), hex(count, 32), '=', hex(filled.result, 64), shown(filled.bytes));
  const turned = bytes(round ? size() : LARGE + below(1000));
  const { result, bytes: after } = ts.tsReverse(turned);
  say('ts_reverse', shown(turned), '=', hex(result, 32), shown(after));
}

function files() {
  const data = bytes(size());
  fs.writeFileSync(name, data);
  const fd = fs.openSync(name);
  const drained = ts.tsDrain(fd);
  fs.closeSync(fd);
  say('ts_drain, ts_file', shown(data), '=', hex(drained, 64), hex(ts.tsFile(name), 64),
      hex(ts.tsFile(`${name}.none`), 64));
}

const docs = Array(DOCS).fill(null);

function use(slot) {
  const kind = below(4);
  if (kind === 0) {
    const { result, ret_counts: of } = ts.tsDocCount(docs[slot]);
    say('ts_doc_count', slot, '=', hex(result, 32), counted(of));
  } else if (kind === 1) {
    docs[slot].close();
    docs[slot] = null;
  } else {
    const added = text();
    say('ts_doc_add', slot, shown(added), '=', hex(ts.tsDocAdd(docs[slot], added), 64));
  }
}

function objects() {
  for (let i = 0; i < 4; i++) {
    const slot = below(DOCS);
    if (docs[slot]) {
      use(slot);
      continue;
    }
    const title = perhaps();
    docs[slot] = ts.tsDocOpen(title);
    say('ts_doc_open', slot, shown(title), '=', shown(ts.tsDocTitle.raw(docs[slot])));
  }
}

for (; round < Number(rounds); round++) {
  for (let i = 0; i < NUMBERS; i++) for (const part of [integers, reals, units]) part();
  for (const part of [structs, counts, texts, buffers, files, objects]) part();
}
console.log(`ok ${calls} calls, digest ${hex(digest, 64)}`);
