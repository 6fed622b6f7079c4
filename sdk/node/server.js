'use strict';
/* Resources that are written in JavaScript: an object of functions, synchronous or
 * async, called on the thread that serves.  What goes in and comes out is as for callers:
 * index.d.ts of an interface serves for both. */

const { stat } = require('node:fs/promises');
const native = require('./rhodes.node');
const { fail } = require('./errors.js');
const { camel } = require('./library.js');
const { inCall } = require('./errno.js');
const { Objects, withObjects, forget, follow } = require('./objects.js');

/* Without the names of parameters, which differ without harm.  Words of a canonical text are
 * parted by ", "; a type has no blank behind a comma. */
function typesOf(text) {
  const words = text.split(', ');
  const params = words.slice(1, -1).map((word) => word.slice(0, word.lastIndexOf('|')));
  return [words[0], ...params, words[words.length - 1]].join(', ');
}

/* The same function, of which more is said. */
function said(f, more) {
  const { signature, raw: isRaw, wanted = f.length } = f;
  return Object.assign(function (...words) { return f.apply(this, words); },
                       { signature, raw: isRaw, wanted, ...more });
}

/* Says what a function is for: compared with the interface when it is served. */
const typed = (text, f) => said(f, { signature: text });

/* For texts that may be no UTF-8: the function gets them as Buffers. */
const raw = (f) => said(f, { raw: true });

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
    else if (f.signature && typesOf(f.signature) !== typesOf(one.text))
      found.push(`- ${one.text}`, `+ ${f.signature}`);
    else if ((f.wanted ?? f.length) > one.words)
      found.push(`- ${one.text}`,
                 `+ ${one.name} takes ${f.wanted ?? f.length} arguments, not ${one.words}`);
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
    return follow(values.next(), taken);
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
  const failed = (error, answer) => {
    if (answer) forget(objects, answer);
    return explain(error);
  };
  const functions = told.functions.map((one) => {
    const f = isServed(one) && functionOf(object, one);
    return f && (one.isEvent ? eventOf(f.bind(object)) : withObjects(inCall(f.bind(object)), one, objects));
  });
  const raws = told.functions.map((one) => isServed(one) && functionOf(object, one).raw === true);
  /* Functions that use files run in their caller's directory.  Node keeps the name of its own,
   * once asked; its other threads are made now, while they would share it with this one. */
  try { process.cwd(); } catch { /* it has none any more */ }
  await stat('/');
  return native.serve(functions, failed, count, raws);
}

module.exports = { serve, typed, raw, stop: native.stop };
