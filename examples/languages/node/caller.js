'use strict';
/* Every function of textstat, called from JavaScript.
 *
 *     rhodes run texts_node -- node examples/languages/node/caller.js text_node
 *
 * Prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1. */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { isDeepStrictEqual, inspect } = require('node:util');
const rhodes = require('rhodes');

const ts = require(process.argv[2]); /* the resource, as a module */
const { EINVAL } = os.constants.errno;
const SIZES = [0, 1, 383, 384, 385, 5000, 1 << 20, 64 << 20];
const CALLS = 20000;

let checks = 0, missed = 0;

function same(got, wanted, what = '') {
  checks++;
  if (isDeepStrictEqual(got, wanted)) return;
  missed++;
  console.log(`differs: ${what} ${inspect(got)} is not ${inspect(wanted)}`);
}

function refused(error, f, ...words) {
  checks++;
  try {
    f(...words);
  } catch (thrown) {
    if (thrown instanceof error) return;
  }
  missed++;
  console.log(`differs: ${f.name}(${inspect(words)}) throws no ${error.name}`);
}

function numbers() {
  same(ts.tsAdd(2, 3), 5);
  same(ts.ts_add(0x7fffffff, 1), -0x80000000);
  same(ts.tsSum(-128, 255, -32768, 65535, 0xffffffff, -1n),
       BigInt(-128 + 255 - 32768 + 65535 + 0xffffffff - 1));
  same(ts.tsSum(1, 1, 1, 1, 1, 2n ** 63n - 6n), 2n ** 63n - 1n);
  same(ts.tsMax(2n ** 64n - 1n, 1n), 2n ** 64n - 1n);
  same(ts.tsMax(2n ** 63n, 2n ** 63n + 1n), 2n ** 63n + 1n);
  same(ts.tsMean(1.5, 2.25), 1.875);
  same(ts.tsMean(Infinity, 1), Infinity);
  same([ts.tsSame(NaN), ts.tsSame(-0)], [NaN, -0]);
  const nan = Buffer.from('341200000000f87f', 'hex');
  same(ts.tsSame.raw(nan), nan, 'a NaN');
  same([0, 2, 77].map(ts.tsNext), [1, 0, 77]);
}

function refusals() {
  refused(RangeError, ts.tsAdd, 2 ** 31, 0);
  refused(RangeError, ts.tsAdd, 1.5, 0);
  refused(RangeError, ts.tsMax, -1n, 0n);
  refused(RangeError, ts.tsSum, 128, 0, 0, 0, 0, 0n);
  refused(RangeError, ts.tsMean, 0, 1e300);
  refused(TypeError, ts.tsAdd, '1', 0);
  refused(TypeError, ts.tsAdd, 1);
  refused(TypeError, ts.tsMax, 1, 0);
  refused(TypeError, ts.tsCount, 'a\0b');
  refused(TypeError, ts.tsCount, null);
  refused(TypeError, ts.tsHash, 'text');
  refused(TypeError, ts.tsDocAdd, {}, '');
  refused(TypeError, ts.tsDocAdd, null, '');
}

function texts() {
  same(ts.tsCount('one two  three\nfour'), { bytes: 19n, words: 4n, lines: 1n, mean_word: 3.75 });
  same(ts.tsCount('').mean_word, NaN);
  same([ts.tsMeasure('a b\n', 1), ts.tsMeasure('a b\n', 2)], [2n, 1n]);
  same(ts.tsMeasure(null, 0), 0n);
  same([ts.tsMeasure('a', 9), rhodes.errno()], [-1n, EINVAL]);
  const { result, ret_summary: summary } = ts.tsSummarize('Hello, wonderful world');
  same(result, 0);
  same(summary.longest, { offset: 7, length: 9 });
  same([summary.letters[11], summary.letters[7]], [4, 1]);
  same(summary.share, Math.fround(19 / 22));
  same([summary.is_ascii, summary.counts.words], [1, 3n]);
  same(ts.tsLonger(ts.tsSummarize('x').ret_summary, summary), summary);
  same(ts.tsSummarize('ä').ret_summary.is_ascii, 0);
  same(ts.tsUpper('Straße'), 'STRAßE');
  same(ts.tsUpper(''), '');
  same(ts.tsUpper.raw(Buffer.from('a\xff\xfe', 'latin1')), Buffer.from('A\xff\xfe', 'latin1'));
  same(ts.tsRepeat('ab', 3), 'ababab');
  same(ts.tsRepeat('abc', 1 << 30), null);
  same([ts.tsParse('-42'), ts.tsParse('9223372036854775807')], [-42n, 2n ** 63n - 1n]);
  same([ts.tsParse('4x'), rhodes.errno()], [-1n, EINVAL]);
  same(ts.tsParse('9223372036854775808'), -1n);
}

function structs() {
  same(ts.tsEnd({ offset: 10, length: 5 }), 15);
  same(ts.tsShift({ offset: 10, length: 5 }, -3), { result: 0, span: { offset: 7, length: 5 } });
  same(ts.tsShift({ offset: 7, length: 5 }, -8),
       { result: -1, span: { offset: 7, length: 5 } });
}

function buffers() {
  same([ts.tsHash(Buffer.alloc(0)), ts.tsHash(Buffer.from('a'))],
       [0xcbf29ce484222325n, 0xaf63dc4c8601ec8cn]);
  for (const size of SIZES) {
    const { result, bytes } = ts.tsFill(size, 0xffffffff);
    same([result, bytes.length], [BigInt(size), size]);
    if (size) same(bytes[size - 1], (size - 1) % 256);
    const reversed = ts.tsReverse(bytes);
    same(reversed.result, 0);
    same(reversed.bytes.equals(bytes.reverse()), true, `${size} bytes`);
  }
}

function files() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rh-'));
  const name = path.join(folder, 'file');
  fs.writeFileSync(name, '12345');
  const fd = fs.openSync(name);
  same(ts.tsDrain(fd), 5n);
  fs.closeSync(fd);
  same(ts.tsFile(name), 5n);
  process.chdir(folder);
  same(ts.tsFile('file'), 5n);
  fs.rmSync(folder, { recursive: true });
  same(ts.tsFile(name), -1n);
}

function handles() {
  const doc = ts.tsDocOpen('notes'), other = ts.tsDocOpen(null);
  same([ts.tsDocTitle(doc), ts.tsDocTitle(other)], ['notes', 'untitled']);
  same([ts.tsDocAdd(doc, 'one '), ts.tsDocAdd(doc, 'two\n')], [4n, 8n]);
  const { result, ret_counts: counts } = ts.tsDocCount(doc);
  same([result, counts.words, counts.lines], [0, 2n, 1n]);
  same(ts.tsDocCount(other).ret_counts.bytes, 0n);
  doc.close();
  other.close();
  refused(rhodes.RhodesError, ts.tsDocAdd, doc, 'more');
}

async function promises() {
  const sums = await Promise.all(Array.from({ length: 100 }, (_, i) => ts.tsAdd.async(i, 1)));
  same(sums, Array.from({ length: 100 }, (_, i) => i + 1));
}

function median() {
  const took = new Float64Array(CALLS);
  for (let i = 0; i < CALLS; i++) {
    const start = process.hrtime.bigint();
    ts.tsAdd(i, 1);
    took[i] = Number(process.hrtime.bigint() - start);
  }
  return took.sort()[CALLS >> 1];
}

async function main() {
  for (const part of [numbers, refusals, texts, structs, buffers, files, handles]) part();
  await promises();
  if (missed) console.log(`${missed} of ${checks} checks failed`);
  else console.log(`ok ${checks} checks, p50 ${median()} ns`);
  return missed ? 1 : 0;
}

main().then((status) => { process.exitCode = status; });
