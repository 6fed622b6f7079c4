// The work of work.h by V8: the same modules, called from JavaScript.
//
//   node v8.mjs ROUNDS FOLDER OWN    the modules that come with Rhodes; tree.wasm
//
// One JSON object a line, as bench-rules; the first third of the rounds is for its compiler.
import { readFileSync } from 'node:fs';

const OPERATIONS = 8000, CAPACITY = 1024, KEYS = 4096, NONE = 0xffffffff;
const [rounds, folder, own] = [Number(process.argv[2]), process.argv[3], process.argv[4]];

const imports = { rhodes: { now: () => 0n, random: () => 0n, log: () => {}, param: () => -1 } };

function load(name) {
  const file = `${name === 'tree' ? own : folder}/${name}.wasm`;
  const module = new WebAssembly.Module(readFileSync(file));
  const rule = new WebAssembly.Instance(module, imports).exports;
  if (rule.rh_init && rule.rh_init() !== 0)
    throw new Error(`rh_init of ${name}`);
  return rule;
}

function nothing(rule) {
  return () => rule.rh_cache_hit(0);
}

function limit(rule) {
  const now = new Uint32Array(rule.memory.buffer, rule.rh_buffer(), 2);
  let ns = 1000000000;
  return () => {
    ns += 700000;
    now[0] = ns % 4294967296;
    now[1] = ns / 4294967296;
    rule.rh_filter_before();
  };
}

function use(rule) {
  const slotOf = new Uint32Array(KEYS).fill(NONE), keyOf = new Uint32Array(CAPACITY);
  let random = 3, filled = 0;
  return () => {
    random = Math.imul(random, 1664525) + 1013904223 | 0;
    const bits = random >>> 8;
    const key = bits % 4 ? (bits >>> 2) % 900 : (bits >>> 2) % KEYS;
    let slot = slotOf[key];
    if (slot !== NONE) {
      rule.rh_cache_hit(slot);
      return;
    }
    if (filled < CAPACITY) {
      slot = filled++;
    } else {
      slot = rule.rh_cache_victim(BigInt(key));
      slotOf[keyOf[slot]] = NONE;
    }
    rule.rh_cache_insert(slot, BigInt(key));
    slotOf[key] = slot;
    keyOf[slot] = key;
  };
}

// A loop of its own for each row: one that all share would call through what it has seen.
const loop = () => new Function('work', `for (let n = 0; n < ${OPERATIONS}; n++) work();`);

for (const [row, name, make] of [['a call', 'fifo', nothing], ['limiter', 'limiter', limit],
  ['lru', 'lru', use], ['sieve', 'sieve', use], ['arc', 'arc', use], ['tree', 'tree', limit]]) {
  const rule = load(name), run = loop(), times = [];
  if (make !== limit && rule.rh_cache_begin(CAPACITY) !== 0)
    throw new Error(`rh_cache_begin of ${name}`);
  const work = make(rule);
  for (let round = 0; round < rounds * 1.5; round++) {
    const from = process.hrtime.bigint();
    run(work);
    if (round >= rounds / 2)
      times.push(Number(process.hrtime.bigint() - from) / OPERATIONS);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ row, build: `V8 ${process.versions.v8}`,
                               ns: times[Math.floor(times.length / 10)] }));
}
