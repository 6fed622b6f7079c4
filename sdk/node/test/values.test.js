'use strict';
/* Every type there and back, and what is refused before it is sent. */
const fs = require('node:fs');
const path = require('node:path');
const { test, assert, kinds, random, SEED, rhodes } = require('./kit.js');

const ROUNDS = 300;

for (const bits of [8, 16, 32]) {
  test(`integers of ${bits} bits`, () => {
    const i = kinds[`kinds_i${bits}`], u = kinds[`kinds_u${bits}`];
    const high = 2 ** (bits - 1);
    for (const value of [0, 1, -1, high - 1, -high]) assert.equal(i(value), value);
    for (const value of [0, 1, 2 * high - 1]) assert.equal(u(value), value);
    for (const value of [high, -high - 1, 0.5, NaN, Infinity])
      assert.throws(() => i(value), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    for (const value of [-1, 2 * high]) assert.throws(() => u(value), RangeError);
    for (const value of [1n, '1', {}, undefined, null, Symbol('x')])
      assert.throws(() => i(value), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  });
}

test('integers of 64 bits are BigInt', () => {
  for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)])
    assert.equal(kinds.kinds_i64(value), value);
  for (const value of [0n, 2n ** 53n + 1n, 2n ** 64n - 1n])
    assert.equal(kinds.kinds_u64(value), value);
  assert.throws(() => kinds.kinds_i64(2n ** 63n), RangeError);
  assert.throws(() => kinds.kinds_u64(-1n), RangeError);
  assert.throws(() => kinds.kinds_u64(2n ** 64n), RangeError);
  assert.throws(() => kinds.kinds_i64(1), TypeError);
});

test('bool is u8', () => {
  assert.equal(kinds.kinds_u8(true), 1);
  assert.equal(kinds.kinds_u8(false), 0);
  assert.throws(() => kinds.kinds_i8(true), TypeError);
});

test('floats', () => {
  for (const value of [0, -0, 1.5, Infinity, -Infinity, NaN, Number.MIN_VALUE])
    assert.ok(Object.is(kinds.kinds_f64(value), value));
  assert.equal(kinds.kinds_f32(0.1), Math.fround(0.1));
  assert.throws(() => kinds.kinds_f32(1e300), RangeError);
  assert.throws(() => kinds.kinds_f64(1n), TypeError);
});

/* A number of JavaScript is one NaN only: the others are bytes. */
test('NaN with its payload', () => {
  for (const hex of ['341200000000f87f', '010000000000f0ff', 'ffffffffffffffff']) {
    const bytes = Buffer.from(hex, 'hex');
    assert.ok(Number.isNaN(kinds.kinds_f64(bytes)));
    assert.deepEqual(kinds.kinds_f64.raw(bytes), bytes);
  }
  const narrow = Buffer.from('3412c07f', 'hex');
  assert.deepEqual(kinds.kinds_f32.raw(narrow), narrow);
  assert.ok(Number.isNaN(kinds.kinds_f64.raw(NaN)));
  assert.equal(kinds.kinds_f64.raw(1.5), 1.5);
  assert.throws(() => kinds.kinds_f64(narrow), RangeError);
});

test('NaN with its payload in a struct', () => {
  const value = { ...outer(random()), weight: Buffer.from('010000000000f07f', 'hex'),
                  share: Buffer.from('010080ff', 'hex') }; /* both signal */
  assert.deepEqual(kinds.kinds_struct.raw(value), value);
  assert.deepEqual(kinds.kinds_struct_in.raw(value), { result: 0, ret_value: value });
  assert.ok(Number.isNaN(kinds.kinds_struct(value).weight));
});

test('an enum takes values that it does not name', () => {
  for (const value of [0, -3, 77]) assert.equal(kinds.kinds_enum(value), value);
});

test('the number of arguments', () => {
  assert.throws(() => kinds.kinds_i8(), TypeError);
  assert.equal(kinds.kinds_i8(1, 2), 1); /* as [1, 2].map(kinds.kinds_i8) has it */
  assert.equal(kinds.kinds_i8.length, 1);
  assert.equal(kinds.kinds_i8.name, 'kinds_i8');
  assert.equal(kinds.kinds_i8.signature, 'kinds_i8, i8|value, i8');
  assert.equal(kinds.kindsI8, kinds.kinds_i8);
});

function outer(from) {
  return { tag: Buffer.from([1, 2, 3].map(() => Number(from.u(8)))), low: Number(from.i(5)),
           high: Number(from.u(11)), weight: from.f64(), share: from.f32(),
           either: Buffer.from([1, 2, 3, 4].map(() => from.below(256))),
           at: [1, 2].map(() => ({ x: Number(from.i(16)), y: Number(from.i(16)) })),
           big: from.i(64), bigs: [from.u(64), from.u(64)] };
}

test(`random values come back, seed ${SEED}`, () => {
  const from = random();
  for (let i = 0; i < ROUNDS; i++) {
    for (const bits of [8, 16, 32]) {
      const a = Number(from.i(bits)), b = Number(from.u(bits));
      assert.equal(kinds[`kinds_i${bits}`](a), a);
      assert.equal(kinds[`kinds_u${bits}`](b), b);
    }
    const a = from.i(64), b = from.u(64), c = from.f64(), d = from.f32();
    assert.equal(kinds.kinds_i64(a), a);
    assert.equal(kinds.kinds_u64(b), b);
    assert.ok(Object.is(kinds.kinds_f64(c), c));
    assert.ok(Object.is(kinds.kinds_f32(d), d));
    const text = from.text(200), bytes = from.bytes(300), value = outer(from);
    assert.equal(kinds.kinds_text(text), text);
    assert.equal(kinds.kinds_own(text), text);
    assert.deepEqual(kinds.kinds_text_out(text),
                     { result: Buffer.byteLength(text), ret_text: text });
    assert.deepEqual(kinds.kinds_reverse(bytes),
                     { result: bytes.length, bytes: Buffer.from(bytes).reverse() });
    assert.deepEqual(kinds.kinds_struct(value), value);
    assert.deepEqual(kinds.kinds_struct_in(value), { result: 0, ret_value: value });
    const words = [8, 9, 16, 17].map((w) => Number(w % 2 ? from.u(w - 1) : from.i(w)));
    const e = Number(from.u(32)), f = from.i(64);
    assert.equal(kinds.kinds_mix(...words, e, f),
                 BigInt.asIntN(64, BigInt(words[0] + words[1] + words[2] + words[3] + e) + f));
  }
});

test('structs: what is missing or does not fit is named', () => {
  const value = outer(random());
  const refused = (change, error, message) =>
    assert.throws(() => kinds.kinds_struct({ ...value, ...change }), { name: error, message });
  refused({ weight: undefined }, 'TypeError', /value\.weight is missing/);
  refused({ at: [{ x: 1, y: 2 }, { x: 1 << 20, y: 2 }] }, 'RangeError', /value\.at\[1\]\.x/);
  refused({ low: 16 }, 'RangeError', /value\.low/);
  refused({ high: -1 }, 'RangeError', /value\.high/);
  refused({ tag: Buffer.alloc(2) }, 'RangeError', /value\.tag/);
  refused({ either: Buffer.alloc(5) }, 'RangeError', /value\.either/);
  refused({ at: [1] }, 'RangeError', /value\.at/);
  refused({ bigs: [1, 2] }, 'TypeError', /value\.bigs\[0\]/);
  assert.throws(() => kinds.kinds_struct(null), TypeError);
  assert.throws(() => kinds.kinds_struct(7), TypeError);
});

test('what comes out by parameters', () => {
  assert.deepEqual(kinds.kinds_scalars(-21n, 7),
                   { result: 7, ret_twice: -42n, count: 8, ret_half: -10.5 });
  assert.deepEqual(kinds.kinds_struct_inout({ x: 3, y: -4 }), { value: { x: -4, y: 3 } });
  const id = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
  assert.deepEqual(kinds.kinds_id(id), { out: Buffer.from(id).reverse() });
  assert.deepEqual(kinds.kinds_id([...id]), { out: Buffer.from(id).reverse() });
  assert.equal(kinds.kinds_struct_in(null).result, -1);
});

test('texts', () => {
  assert.equal(kinds.kinds_text(''), '');
  assert.equal(kinds.kinds_maybe(null), null);
  assert.equal(kinds.kinds_maybe(undefined), null);
  assert.equal(kinds.kinds_text(Buffer.from('bytes')), 'bytes');
  const long = 'ä\u{10ffff}'.repeat(100000);
  assert.equal(kinds.kinds_own(long), long);
  for (const nul of ['a\0b', Buffer.from('a\0b')])
    assert.throws(() => kinds.kinds_text(nul), { name: 'TypeError',
      message: 'kinds_text: text must be a text without NUL' });
  assert.throws(() => kinds.kinds_text('\ud800'), { name: 'TypeError', message: /surrogate/ });
  assert.throws(() => kinds.kinds_text('x\udc00\ufffd'), TypeError);
  assert.throws(() => kinds.kinds_text(null), TypeError);
  assert.throws(() => kinds.kinds_text(7), TypeError);
});

test('a text that is no UTF-8', () => {
  const bytes = Buffer.from('61ffc37a', 'hex');
  assert.throws(() => kinds.kinds_broken(), (error) => error instanceof TypeError &&
                bytes.equals(error.bytes));
  assert.deepEqual(kinds.kinds_broken.raw(), bytes);
  assert.deepEqual(kinds.kinds_own.raw(bytes), bytes);
  for (const hex of ['c080', 'eda080', 'f4908080', 'f8888080', '80', 'c3'])
    assert.throws(() => kinds.kinds_own(Buffer.from(hex, 'hex')),
                  TypeError);
});

test('bytes, of every kind of memory', () => {
  const sum = (bytes) => bytes.reduce((s, b) => BigInt.asUintN(64, s * 31n + BigInt(b)),
                                      BigInt(bytes.length));
  const from = random();
  for (let i = 0; i < 50; i++) {
    const bytes = from.bytes(2000);
    assert.equal(kinds.kinds_sum(bytes), sum(bytes));
  }
  const memory = new Uint8Array([9, 1, 2, 3, 4, 9]);
  const part = memory.subarray(1, 5), wanted = sum(part);
  assert.equal(kinds.kinds_sum(part), wanted);
  assert.equal(kinds.kinds_sum(new DataView(memory.buffer, 1, 4)), wanted);
  assert.equal(kinds.kinds_sum(memory.slice(1, 5).buffer), wanted);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  shared.set(part);
  assert.equal(kinds.kinds_sum(shared), wanted);
  assert.equal(kinds.kinds_sum(new Uint8Array(0)), 0n);
  assert.equal(kinds.kinds_words(new Uint32Array([1, 2, 2 ** 32 - 1])), 2n ** 32n + 2n);
  assert.throws(() => kinds.kinds_words(Buffer.alloc(5)), RangeError);
  for (const value of ['text', [1, 2], null, 7, new SharedArrayBuffer(4)])
    assert.throws(() => kinds.kinds_sum(value), TypeError);
});

test('bytes that come out, as many as were used', () => {
  assert.deepEqual(kinds.kinds_fill(10, 4), { result: 4n, bytes: Buffer.from([0, 1, 2, 3]) });
  assert.deepEqual(kinds.kinds_fill(3n, 9), { result: 3n, bytes: Buffer.from([0, 1, 2]) });
  assert.deepEqual(kinds.kinds_fill(0, 9), { result: 0n, bytes: Buffer.alloc(0) });
  assert.deepEqual(kinds.kinds_copy(Buffer.from('hello'), 3),
                   { result: -1, copy: Buffer.from('hel'), room: 5n });
  assert.deepEqual(kinds.kinds_copy(Buffer.from('hello'), 30),
                   { result: 0, copy: Buffer.from('hello'), room: 5n });
  assert.throws(() => kinds.kinds_fill(-1, 1), RangeError);
  assert.throws(() => kinds.kinds_fill(2n ** 40n, 1), RangeError);
  const bytes = Buffer.from('abc');
  kinds.kinds_reverse(bytes);
  assert.equal(bytes.toString(), 'abc', 'what the program has stays as it is');
});

const tooSlow = { skip: process.env.KINDS === 'kinds_js' && 'slow in JavaScript' };

test('bytes up to the limit', tooSlow, () => {
  const bytes = Buffer.alloc(64 << 20, 'abc');
  const { result, bytes: turned } = kinds.kinds_reverse(bytes);
  assert.equal(result, bytes.length);
  assert.ok(turned.equals(bytes.reverse()));
  assert.equal(typeof kinds.kinds_sum(bytes), 'bigint');
  assert.throws(() => kinds.kinds_sum(Buffer.alloc((64 << 20) + 1)), RangeError);
  const text = 'a'.repeat(64 << 20);
  assert.throws(() => kinds.kinds_text(text), { code: 'EMSGSIZE', ran: false });
  assert.throws(() => kinds.kinds_text({}), /must be a string, or its bytes/);
  assert.throws(() => rhodes.open('kinds\0'), /NUL/);
});

test('descriptors and paths', () => {
  const fd = fs.openSync(__filename, 'r'), size = BigInt(fs.statSync(__filename).size);
  assert.equal(kinds.kinds_drain(fd), size);
  fs.closeSync(fd);
  const opened = kinds.kinds_open_null();
  assert.equal(fs.readFileSync(opened).length, 0);
  fs.closeSync(opened);
  assert.equal(kinds.kinds_path(__filename), size);
  process.chdir(__dirname);
  assert.equal(kinds.kinds_path(path.basename(__filename)), size);
});

test('what cannot be carried says so', () => {
  assert.throws(() => kinds.kinds_print('x'), (error) =>
    error instanceof rhodes.RhodesInterfaceError && error.code === 'ENOCARRY' &&
    /variable arguments/.test(error.message));
});
