'use strict';
/* textstat from JavaScript: `rhodes`, or what a call into an addon costs that only adds:
 * `napi`.  Prints what call.py does. */
const BATCH = 64;
const [what, words] = process.argv.slice(2);
const calls = Number(words);

const now = () => Number(process.hrtime.bigint());

function median(numbers) {
  return numbers.sort()[numbers.length >> 1];
}

function measure(add) {
  for (let i = 0; i < calls / 10; i++)
    if (add(i, 1) !== i + 1) throw new Error(`ts_add(${i}, 1) is not ${i + 1}`);
  const took = new Float64Array(calls), batches = new Float64Array(Math.floor(calls / BATCH));
  for (let i = 0; i < calls; i++) {
    const began = now();
    add(i, 1);
    took[i] = now() - began;
  }
  for (let i = 0; i < batches.length; i++) {
    const began = now();
    for (let j = 0; j < BATCH; j++) add(j, 1);
    batches[i] = (now() - began) / BATCH;
  }
  took.sort();
  console.log(JSON.stringify({ p50: took[calls >> 1], p99: took[Math.floor(calls / 100) * 99],
                               batch: Number(median(batches).toFixed(2)) }));
}

measure(what === 'rhodes' ? require('textstat').ts_add
                          : require(process.env.RHODES_NODE ?? 'rhodes').nop);
