'use strict';
/* Workers call, and await, while their callee is killed again and again and while some of
 * them are ended in the middle: storm_test.py drives it.
 *
 *     storm.js RESOURCE WORKERS
 *
 * Prints "started" when each worker has called once, calls until standard input ends, and
 * then "ok N lost N", or what went wrong and 1. */
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const rhodes = require('rhodes');

const IN_FLIGHT = 4;

let calls = 0, lost = 0, ends = false;

/* What f gives; null when the callee was lost meanwhile. */
async function unless_lost(f) {
  try {
    return await f();
  } catch (error) {
    if (!(error instanceof rhodes.RhodesLostError)) throw error;
    lost++;
    return null;
  }
}

async function round(ts, number) {
  assert.equal(ts.tsAdd(number, 1), number + 1);
  assert.equal(await ts.tsRepeat.async('ab', 500), 'ab'.repeat(500));
  const doc = ts.tsDocOpen('storm');
  try {
    assert.equal(await ts.tsDocAdd.async(doc, 'four'), 4n);
    assert.equal(ts.tsDocTitle(doc), 'storm');
  } finally {
    doc.close();
  }
}

/* The callee may be killed as soon as the worker has told that it started. */
async function open(ts) {
  let kept = null;
  while (!kept) kept = await unless_lost(() => ts.tsDocOpen('kept'));
  return kept;
}

async function loop(ts) {
  let kept = await open(ts);
  while (!ends) {
    calls++;
    await unless_lost(() => round(ts, calls % 1000));
    if (!await unless_lost(() => ts.tsDocAdd(kept, 'x'))) {
      kept.close();
      kept = await open(ts);
    }
    await new Promise(setImmediate); /* messages are heard */
  }
  kept.close();
  assert.equal(ts.tsAdd(4, 5), 9);
}

async function work() {
  const ts = rhodes.open(workerData.resource);
  parentPort.once('message', () => { ends = true; });
  assert.equal(ts.tsAdd(1, 2), 3);
  parentPort.postMessage('started');
  await Promise.all(Array.from({ length: IN_FLIGHT }, () => loop(ts)));
  parentPort.postMessage({ calls, lost });
}

function start(resource) {
  const worker = new Worker(__filename, { workerData: { resource } });
  worker.on('error', (error) => { console.log(error); process.exitCode = 1; });
  return worker;
}

async function main(resource, count) {
  const workers = Array.from({ length: count }, () => start(resource));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  console.log('started');
  process.stdin.on('data', async () => { /* one less, one more */
    const worker = start(resource);
    await once(worker, 'message');
    await workers.splice(0, 1, worker)[0].terminate();
    console.log('ended');
  });
  await once(process.stdin, 'end');
  const tells = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('end');
  for (const tell of tells) {
    const [told] = await tell;
    calls += told.calls;
    lost += told.lost;
  }
  if (!process.exitCode) console.log(`ok ${calls} lost ${lost}`);
}

if (isMainThread) main(process.argv[2], Number(process.argv[3]));
else work();
