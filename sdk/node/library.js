'use strict';
/* Callees as objects: a property for each function of the interface. */

const native = require('./rhodes.node');
const { fail } = require('./errors.js');

const keys = new WeakSet();

/* An object that stays in the callee. */
class Handle {
  /* key: what only the addon has. */
  constructor(key) {
    if (!keys.has(key)) throw new TypeError('handles are made by functions');
  }
  /* Ends the object, after the calls under way; once is enough. */
  close() { native.close.call(this); }
  get closed() { return native.closed.call(this); }
}
if (Symbol.dispose) {
  Object.defineProperty(Handle.prototype, Symbol.dispose, { value: Handle.prototype.close });
}

/* ts_doc_open: tsDocOpen */
function camel(name) {
  return name.replace(/^_+|_+$/g, '').replace(/_+([a-zA-Z0-9])/g, (_, c) => c.toUpperCase());
}

function handleClasses(names) {
  const classes = names.map((name) => {
    const called = name.replace(/\[.*/, '').replace(/^struct /, '');
    return { [called]: class extends Handle {} }[called];
  });
  keys.add(classes);
  return classes;
}

/* A function that no other process can run, and why. */
function absent({ name, reason }) {
  return () => {
    throw fail(native.codes.ENOCARRY, false, `${name} cannot be carried: ${reason}`);
  };
}

/* f(...), f.async(...), f.raw(...), f.raw.async(...) */
function makeFunction(told) {
  if (!told.call) return absent(told);
  const { call, raw } = told;
  for (const [f, later] of [[call, told.async], [raw, told.rawAsync]]) {
    Object.defineProperty(f, 'name', { value: told.name });
    Object.defineProperty(f, 'length', { value: told.words });
    Object.defineProperty(f, 'async', { value: later, enumerable: true });
  }
  Object.defineProperty(call, 'raw', { value: raw, enumerable: true });
  Object.defineProperty(call, 'signature', { value: told.text });
  return call;
}

/* What an interface declares twice, or calls as we call something, stays the interface's:
 * promises, handles and interface are only where no function is called so. */
function makeLibrary(told, classes) {
  const library = Object.create(null), promises = Object.create(null);
  for (const one of told.functions) {
    const f = makeFunction(one);
    for (const name of [one.name, camel(one.name)]) {
      if (!name || Object.hasOwn(library, name)) continue;
      library[name] = f;
      promises[name] = f.async ?? (async (...words) => f(...words));
    }
  }
  const handles = Object.fromEntries(classes.map((one) => [one.name, one]));
  const interface_ = { name: told.name, soname: told.soname, version: told.version,
                       text: told.functions.filter((one) => one.text).map((one) => one.text) };
  for (const [name, value] of Object.entries({ promises, handles, interface: interface_ })) {
    if (!Object.hasOwn(library, name)) {
      Object.defineProperty(library, name, { value: Object.freeze(value) });
    }
  }
  return library;
}

const opened = new Map();

/* The callee of that name among the references of this resource: of the resource, or of
 * the interface that it offers.  Each callee is one object, whatever it is called.
 * expected: canonical texts of the functions that the program was written for. */
function open(name, expected = []) {
  const key = native.resolve(name);
  const difference = native.match(name, expected);
  if (difference)
    throw fail(native.codes.EINTERFACE, false,
               `${name} offers other functions than this program expects:\n${difference}`);
  if (!opened.has(key)) {
    let classes;
    const told = native.open(name, (names) => (classes = handleClasses(names)));
    opened.set(key, makeLibrary(told, classes));
  }
  return opened.get(key);
}

/* The same, or undefined when no reference is called that. */
function find(name) {
  if (!process.env.RHODES_INTERFACES) return undefined;
  try {
    return open(name);
  } catch (error) {
    if (error.code === 'ENOEDGE') return undefined;
    throw error;
  }
}

module.exports = { open, find, camel, Handle };
