'use strict';
/* What the tests share: the callee, random values from a seed, and waiting for events. */
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { setImmediate: turn } = require('node:timers/promises');
const rhodes = require('rhodes');

const kinds = rhodes.open(process.env.KINDS ?? 'kinds');

/* xorshift64*: the same values for the same seed. */
class Random {
  constructor(seed) { this.state = BigInt.asUintN(64, seed) || 1n; }
  u64() {
    let x = this.state;
    x ^= x >> 12n;
    x = BigInt.asUintN(64, x ^ (x << 25n));
    x ^= x >> 27n;
    this.state = x;
    return BigInt.asUintN(64, x * 2685821657736338717n);
  }
  below(n) { return Number(this.u64() % BigInt(n)); }
  /* The ends of a range come often. */
  i(bits) {
    const ends = [0n, 1n, -1n, (1n << BigInt(bits - 1)) - 1n, -(1n << BigInt(bits - 1))];
    return this.below(4) ? BigInt.asIntN(bits, this.u64()) : ends[this.below(5)];
  }
  u(bits) {
    const ends = [0n, 1n, (1n << BigInt(bits)) - 1n];
    return this.below(4) ? BigInt.asUintN(bits, this.u64()) : ends[this.below(3)];
  }
  f64() {
    const ends = [0, -0, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE, NaN];
    if (!this.below(4)) return ends[this.below(7)];
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, this.u64());
    return view.getFloat64(0);
  }
  f32() {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, Number(this.u(32)));
    return view.getFloat32(0);
  }
  bytes(most) {
    return Buffer.from({ length: this.below(most + 1) }, () => 0)
      .map(() => this.below(256));
  }
  text(most) {
    const letters = [() => 1 + this.below(0x7f), () => 0x80 + this.below(0x780),
                     () => 0xe000 + this.below(0x2000), () => 0xfffd,
                     () => 0x10000 + this.below(0x100000)];
    return String.fromCodePoint(...Array.from({ length: this.below(most + 1) },
                                              () => letters[this.below(5)]()));
  }
}

const SEED = BigInt(process.env.SEED ?? 20260101);
const random = () => new Random(SEED);

/* Goes on with the event loop until it is so. */
async function until(isSo) {
  while (!(await isSo())) await turn();
}

module.exports = { test, assert, turn, rhodes, kinds, Random, random, until, SEED };
