'use strict';
/* textstat in JavaScript: serves ../textstat.h.
 *
 *     rhodes serve -r text_node examples/languages/node/textstat.js
 */
const fs = require('node:fs');
const { constants: { errno } } = require('node:os');
const { raw, setErrno } = require('rhodes');

const UNITS = 3;
const REPEAT_MAX = 16 << 20;

function failed(number, value = -1n) {
  setErrno(number);
  return value;
}

/* ---- texts, which may be no UTF-8: as bytes */

function* words(text) {
  for (let at = 0; at < text.length;) {
    let end = at;
    while (end < text.length && text[end] > 0x20) end++;
    if (end > at) yield { offset: at, length: end - at };
    at = end + 1;
  }
}

function count(text) {
  let found = 0n, inWords = 0, lines = 0n;
  for (const { length } of words(text)) {
    found++;
    inWords += length;
  }
  for (const byte of text) lines += byte === 0x0a ? 1n : 0n;
  return { bytes: BigInt(text.length), words: found, lines,
           mean_word: found ? inWords / Number(found) : NaN };
}

function measure(text, unit) {
  const { bytes, words: found, lines } = count(text ?? Buffer.alloc(0));
  return [bytes, found, lines][unit] ?? failed(errno.EINVAL);
}

function summarize(text) {
  const letters = Array(26).fill(0);
  let longest = { offset: 0, length: 0 }, isAscii = 1;
  for (const word of words(text)) if (word.length > longest.length) longest = word;
  for (const byte of text) {
    const letter = (byte | 0x20) - 0x61;
    if (byte >= 0x80) isAscii = 0;
    else if (letter >= 0 && letter < 26) letters[letter]++;
  }
  const share = text.length ? letters.reduce((sum, one) => sum + one) / text.length : 0;
  return { result: 0, ret_summary: { counts: count(text), longest, letters, share,
                                     is_ascii: isAscii } };
}

const upper = (text) => text.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));

function repeat(text, times) {
  return text.length * times > REPEAT_MAX ? failed(errno.EOVERFLOW, null)
                                          : Buffer.alloc(text.length * times, text);
}

function parse(bytes) {
  const text = bytes.toString('latin1');
  const number = /^[-+]?[0-9]+$/.test(text) ? BigInt(text.replace('+', '')) : null;
  return number === null || number !== BigInt.asIntN(64, number) ? failed(errno.EINVAL)
                                                                 : number;
}

/* ---- bytes and files */

/* FNV-1a, 64 bit, in halves: BigInt would be slow. */
function hash(bytes) {
  let high = 0xcbf29ce4, low = 0x84222325;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

function fill(cap, wanted) {
  const pattern = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  return { bytes: Buffer.alloc(Math.min(Number(cap), wanted), pattern) };
}

function sizeOf(file) {
  try {
    return BigInt(fs.readFileSync(file).length);
  } catch (error) {
    return failed(-error.errno);
  }
}

const longer = (a, b) => (b.counts.bytes > a.counts.bytes ? b : a);

function shift(span, by) {
  const offset = span.offset + by;
  if (offset < 0 || offset > 0xffffffff) return { result: failed(errno.ERANGE, -1), span };
  return { result: 0, span: { ...span, offset } };
}

/* ---- objects that stay here */

class Doc {
  constructor(title) {
    this.title = title ?? Buffer.from('untitled');
    this.parts = [];
    this.bytes = 0;
  }
}

function add(doc, text) {
  doc.parts.push(text);
  return BigInt(doc.bytes += text.length);
}

module.exports = {
  tsAdd: (a, b) => (a + b) | 0,
  tsSum: (a, b, c, d, e, f) => BigInt.asIntN(64, BigInt(a + b + c + d + e) + f),
  tsMax: (a, b) => (a > b ? a : b),
  tsMean: (a, b) => (a + b) / 2,
  tsSame: raw((value) => value), /* also a NaN with its payload, as bytes */
  tsNext: (unit) => (unit >= 0 && unit < UNITS ? (unit + 1) % UNITS : unit),
  tsCount: raw(count),
  tsMeasure: raw(measure),
  tsSummarize: raw(summarize),
  tsLonger: raw(longer), /* a NaN as above */
  tsEnd: (span) => (span.offset + span.length) >>> 0,
  tsShift: shift,
  tsUpper: raw(upper),
  tsRepeat: raw(repeat),
  tsParse: raw(parse),
  tsHash: hash,
  tsReverse: (bytes) => ({ result: 0, bytes: Buffer.from(bytes).reverse() }),
  tsFill: fill,
  tsDrain: sizeOf,
  tsFile: sizeOf,
  tsDocOpen: raw((title) => new Doc(title)),
  tsDocClose: (doc) => { doc.parts = []; },
  tsDocAdd: raw(add),
  /* A promise does as well. */
  tsDocCount: async (doc) => ({ result: 0, ret_counts: count(Buffer.concat(doc.parts)) }),
  tsDocTitle: (doc) => doc.title,
};
