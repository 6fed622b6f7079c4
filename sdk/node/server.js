'use strict';
/* Resources that are written in JavaScript: an object of functions, synchronous or
 * async, called on the thread that serves.  What goes in and comes out is as for callers:
 * index.d.ts of an interface serves for both. */

const { stat } = require('node:fs/promises');
const native = require('./rhodes.node');
const { fail } = require('./errors.js');
const { camel } = require('./library.js');

/* Words of a canonical text are parted by ", "; a type has no blank behind a comma. */
function parse(text) {
  const words = text.split(', ');
  return { name: words[0], ret: words[words.length - 1],
           params: words.slice(1, -1).map((word) => word.slice(0, word.lastIndexOf('|'))) };
}

const types = (text) => { const { name, params, ret } = parse(text);
                          return [name, ...params, ret].join(', '); };

/* Says what a function is for: compared with the interface when it is served. */
function typed(text, f) {
  return Object.assign((...words) => f(...words), { signature: text, wanted: f.length });
}

/* For texts that may be no UTF-8: the function gets them as Buffers. */
function raw(f) {
  return Object.assign((...words) => f(...words),
                       { signature: f.signature, wanted: f.wanted ?? f.length, raw: true });
}

const isServed = ({ text }) => !!text;

function functionOf(object, { name }) {
  const f = object[name] ?? object[camel(name)];
  return typeof f === 'function' ? f : undefined;
}

/* All that is missing or differs, at once. */
function differences(object, told) {
  const found = [];
  for (const one of told.functions) {
    if (!isServed(one)) continue;
    const f = functionOf(object, one);
    if (!f)
      found.push(`- ${one.text}`, `+ (no function ${one.name})`);
    else if (f.signature && types(f.signature) !== types(one.text))
      found.push(`- ${one.text}`, `+ ${f.signature}`);
    else if ((f.wanted ?? f.length) > one.words)
      found.push(`- ${one.text}`,
                 `+ ${one.name} takes ${f.wanted ?? f.length} arguments, not ${one.words}`);
    if (/\bhandle [^,|]*\[/.test(one.text))
      found.push(`- ${one.text}`, `+ callers look into that object: only C can serve it`);
  }
  return found;
}

/* An event is a generator, synchronous or not: each call is for the next of what it
 * yields, and the last waits for ever. */
function eventOf(f) {
  let values;
  const taken = ({ done, value }) => (done ? new Promise(() => {}) : value);
  return () => {
    if (!values) {
      const many = f();
      const iterator = many?.[Symbol.asyncIterator] ?? many?.[Symbol.iterator];
      if (!iterator) throw new TypeError(`${f.name} is an event, which yields`);
      values = iterator.call(many);
    }
    const step = values.next();
    return step instanceof Promise ? step.then(taken) : taken(step);
  };
}

/* Objects that callers hold: a number for each, as long as they do. */
class Objects {
  #numbers = new Map();
  #objects = new Map();
  #next = 16;
  number(object) {
    if (object === null || object === undefined) return null;
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = this.#next;
      this.#next += 16;
      this.#numbers.set(object, number);
      this.#objects.set(number, object);
    }
    return number;
  }
  object(number) { return number === null ? null : this.#objects.get(number); }
  drop(number) {
    this.#numbers.delete(this.#objects.get(number));
    this.#objects.delete(number);
  }
  get size() { return this.#objects.size; }
}

/* Which arguments are handles, whether they end, and where handles come out. */
function handlesOf(one) {
  const { params, ret } = parse(one.text);
  const isHandle = (type) => /^(in |out |inout )?(new |drop )?handle /.test(type);
  const names = one.text.split(', ').slice(1, -1)
    .map((word, i) => word.slice(word.lastIndexOf('|') + 1) || `a${i}`);
  const outs = params.map((type, i) => [type, names[i]])
    .filter(([type]) => /^(out|inout) /.test(type));
  return {
    words: one.roles.map((param) => (isHandle(params[param]) ? params[param] : null)),
    outs: outs.filter(([type]) => isHandle(type)).map(([, name]) => name),
    result: isHandle(ret),
    key: one.outs === 0 ? null
         : outs.some(([, name]) => name === 'result') ? 'returned' : 'result',
  };
}

function numbered(objects, told, result) {
  if (told.key === null) return told.result ? objects.number(result) : result;
  const copy = { ...result };
  if (told.result) copy[told.key] = objects.number(copy[told.key]);
  for (const name of told.outs) copy[name] = objects.number(copy[name]);
  return copy;
}

/* The function with objects in the place of their numbers. */
function withObjects(f, one, objects) {
  const told = handlesOf(one);
  if (!told.result && !told.outs.length && !told.words.some(Boolean)) return f;
  const finish = (words, result) => {
    told.words.forEach((type, i) => {
      if (type?.includes('drop handle ')) objects.drop(words[i]);
    });
    return numbered(objects, told, result);
  };
  return (...words) => {
    const result = f(...words.map((word, i) => (told.words[i] ? objects.object(word)
                                                              : word)));
    return result instanceof Promise ? result.then((value) => finish(words, value))
                                     : finish(words, result);
  };
}

/* What callers are told of what was thrown: [type, message, stack]. */
function explain(error) {
  if (!(error instanceof Error)) return ['throw', String(error), ''];
  return [String(error.name ?? 'Error'), String(error.message), String(error.stack ?? '')];
}

/* Serves until SIGTERM or stop(); a promise that is settled then.  threads: how many
 * calls may wait for promises at once, 1 to 64. */
async function serve(object, { threads } = {}) {
  const told = native.own();
  const found = differences(object, told);
  const count = threads ?? (Number(process.env.RHODES_SERVE_THREADS) || 16);
  if (found.length > 0)
    throw fail(native.codes.EINTERFACE, false,
               `what is served differs from the interface ${told.name}:\n` +
               found.join('\n'));
  if (!Number.isInteger(count) || count < 1 || count > 64)
    throw new RangeError('threads must be a whole number between 1 and 64');
  const objects = new Objects();
  const functions = told.functions.map((one) => {
    const f = isServed(one) && functionOf(object, one);
    return f && (one.isEvent ? eventOf(f.bind(object)) : withObjects(f.bind(object), one, objects));
  });
  const raws = told.functions.map((one) => isServed(one) && functionOf(object, one).raw === true);
  /* Functions that use files run in their caller's directory.  Node keeps the name of its own,
   * once asked; its other threads are made now, while they would share it with this one. */
  try { process.cwd(); } catch { /* it has none any more */ }
  await stat('/');
  return native.serve(functions, explain, count, raws);
}

module.exports = { serve, typed, raw, stop: native.stop };
