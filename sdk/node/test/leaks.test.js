'use strict';
/* Nothing is left behind by many calls.  node --expose-gc */
const fs = require('node:fs');
const { test, assert, kinds, rhodes, until, turn } = require('./kit.js');

const ROUNDS = 2000;

const descriptors = () => fs.readdirSync('/proc/self/fd').length;

async function round(i) {
  const box = kinds.box_new(i % 10);
  kinds.box_name(box);
  kinds.kinds_own('x'.repeat(i % 300));
  kinds.kinds_fill(i % 5000, i);
  fs.closeSync(kinds.kinds_open_null());
  if (i % 10 === 0) await kinds.kinds_reverse.async(Buffer.alloc(i));
  if (i % 10 === 1) await assert.rejects(kinds.kinds_i8.async(999), RangeError);
  if (i % 10 === 2) assert.throws(() => kinds.kinds_text('\0'), TypeError);
  if (i % 2) box.close();
}

async function settle() {
  await until(async () => {
    globalThis.gc();
    return (await kinds.box_count.async()) === 0;
  });
  await turn();
  globalThis.gc();
}

test('handles, descriptors and memory', async () => {
  for (let i = 0; i < ROUNDS; i++) await round(i);
  await Promise.all(Array.from({ length: 64 }, () => kinds.kinds_i32.async(1)));
  await settle();
  const before = { descriptors: descriptors(), ...process.memoryUsage() };
  for (let i = 0; i < ROUNDS; i++) await round(i);
  await settle();
  const after = process.memoryUsage();
  assert.ok(descriptors() <= before.descriptors + 2, `${descriptors()} descriptors`);
  assert.ok(after.external - before.external < 1 << 20, `${after.external} external`);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 1 << 20);
  assert.ok(after.rss - before.rss < 32 << 20, `${before.rss} to ${after.rss}`);
});
