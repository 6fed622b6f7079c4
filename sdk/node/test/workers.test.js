'use strict';
/* Worker threads: each has a state of its own. */
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { once } = require('node:events');
const { test, assert, kinds, Random, until } = require('./kit.js');

const WORKERS = 6;

async function work({ seed, what }) {
  const from = new Random(BigInt(seed));
  if (what === 'stay') {
    kinds.box_new(1);
    kinds.kinds_meet.async(2).then(() => parentPort.postMessage('too late'));
    parentPort.postMessage('waits');
    return;
  }
  for (let i = 0; i < 200; i++) {
    const text = from.text(30), number = from.i(64), box = kinds.box_new(i % 10);
    assert.equal(kinds.kinds_text(text), text);
    assert.equal(await kinds.kinds_i64.async(number), number);
    assert.equal(kinds.box_name(box), `box${i % 10}`);
    if (i % 2) box.close();
  }
}

if (!isMainThread) {
  work(workerData);
} else {
  test('workers call at once', async () => {
    const workers = Array.from({ length: WORKERS }, (_, seed) =>
      new Worker(__filename, { workerData: { seed: seed + 1, what: 'work' } }));
    const ends = workers.map((worker) => once(worker, 'exit'));
    for (const end of ends) assert.deepEqual(await end, [0]); /* 1 when a check failed */
    /* Their objects ended with them. */
    await until(async () => (await kinds.box_count.async()) === 0);
  });

  test('one that is stopped in the middle of a call harms nobody', async () => {
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(__filename, { workerData: { seed: 1, what: 'stay' } });
      assert.deepEqual(await once(worker, 'message'), ['waits']);
      await worker.terminate();
      assert.equal(await kinds.kinds_meet.async(2), 2); /* its call is still there */
      assert.equal(kinds.kinds_i32(i), i);
    }
    await until(async () => (await kinds.box_count.async()) === 0);
  });
}
