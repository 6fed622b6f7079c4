'use strict';
/* Objects of a server that its callers hold.  A caller has a number for each, which is never
 * used again: one that is gone is known to be.  Where the interface mirrors bytes of an
 * object, these are told with the answer of each call that has it, and so are always that
 * call's, however many run beside each other. */

const { inspect, types } = require('node:util');

class Objects {
  #objects = new Map();
  #numbers = new Map(); /* of each object the latest */
  #last = 0;
  add(object) {
    this.#last += 16;
    this.#numbers.set(object, this.#last);
    this.#objects.set(this.#last, object);
    return this.#last;
  }
  number(object) { return this.#numbers.get(object); }
  object(number) {
    if (number === null) return null;
    if (!this.#objects.has(number)) throw new ReferenceError('the object was destroyed');
    return this.#objects.get(number);
  }
  drop(number) {
    const object = this.#objects.get(number);
    if (this.#numbers.get(object) === number) this.#numbers.delete(object);
    this.#objects.delete(number);
  }
}

/* The name of each parameter, and its type with that of the result behind.  Words of a
 * canonical text are parted by ", "; a type has no blank behind a comma. */
function parse(text) {
  const words = text.split(', ').slice(1);
  const ret = words.pop();
  return { names: words.map((word, i) => word.slice(word.lastIndexOf('|') + 1) || `a${i}`),
           types: [...words.map((word) => word.slice(0, word.lastIndexOf('|'))), ret] };
}

/* The handles of a function, the result's last.  word: which argument it is, or -1; key: where
 * it stands in what is returned, null: it is all of it; seen: how many bytes callers see. */
function handlesOf(one) {
  const told = parse(one.text);
  const count = told.names.length;
  const isOut = told.types.map((type, i) => i === count || /^(out|inout) /.test(type));
  const result = told.names.some((name, i) => isOut[i] && name === 'result') ? 'returned'
                                                                             : 'result';
  return told.types.map((type, i) => ({
    param: i,
    word: one.roles.indexOf(i),
    isOut: isOut[i],
    isNew: type.includes('new handle '),
    isDropped: type.includes('drop handle '),
    seen: type.includes('drop handle ') ? 0 : Number(/\[\d+\+(\d+)\]/.exec(type)?.[1] ?? 0),
    key: i < count ? told.names[i] : one.outs > 0 ? result : null,
  })).filter((_, i) => /^(in |out |inout )?(new |drop )?handle /.test(told.types[i]));
}

/* A copy: what mirror() gives may be the object's own memory. */
function bytesOf(object, length, name) {
  if (typeof object.mirror !== 'function')
    throw new TypeError(`${name}: callers look into ${inspect(object)}, which has no mirror()`);
  const bytes = object.mirror();
  if (!ArrayBuffer.isView(bytes) && !types.isAnyArrayBuffer(bytes))
    throw new TypeError(`${name}: mirror() gives ${inspect(bytes)}, not bytes`);
  if (bytes.byteLength !== length)
    throw new RangeError(`${name}: mirror() gives ${bytes.byteLength} bytes, ` +
                         `callers see ${length}`);
  return (ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, length)
                                    : new Uint8Array(bytes)).slice();
}

/* One call of a function that has handles. */
class Call {
  #one; #objects; #words; #made = [];
  constructor(one, objects, words) {
    this.#one = one;
    this.#objects = objects;
    this.#words = words;
    this.given = [...words];
    for (const { word } of one.handles)
      if (word >= 0) this.given[word] = objects.object(words[word]);
  }

  /* An object that was given comes back as what its caller has. */
  #number(handle, object) {
    const given = this.#one.handles.find(({ word, isDropped }) =>
      word >= 0 && !isDropped && this.given[word] === object);
    const known = given ? this.#words[given.word] : this.#objects.number(object);
    if (!handle.isNew && known !== undefined) return known;
    this.#made.push(this.#objects.add(object));
    return this.#made.at(-1);
  }

  /* { result: with numbers in the place of objects, seen: what callers see of them, by
   * parameter, the result's last, made: numbers that nobody has yet }. */
  answer(result) {
    const hasKeys = this.#one.outs > 0 && result !== null && typeof result === 'object';
    const answer = { result: hasKeys ? { ...result } : result, seen: [], made: this.#made };
    try {
      for (const handle of this.#one.handles) {
        const got = !handle.isOut ? null : handle.key === null ? result : result?.[handle.key];
        const object = got ?? this.given[handle.word];
        if (got !== null && got !== undefined) {
          const number = this.#number(handle, got);
          if (handle.key === null) answer.result = number;
          else answer.result[handle.key] = number;
        }
        if (handle.seen > 0 && object !== null && object !== undefined)
          answer.seen[handle.param] = bytesOf(object, handle.seen, this.#one.name);
      }
    } catch (error) {
      forget(this.#objects, answer);
      throw error;
    }
    return answer;
  }

  /* An object that was to end is gone, whatever its function said. */
  end() {
    for (const { word, isDropped } of this.#one.handles)
      if (isDropped) this.#objects.drop(this.#words[word]);
  }
}

/* No caller comes to have what the answer made. */
function forget(objects, { made }) {
  for (const number of made) objects.drop(number);
}

/* Now, or when a promise, or what is like one, has it.  What is waited for is a promise of
 * our own then. */
function follow(value, next) {
  return typeof value?.then === 'function' ? (async () => next(await value))() : next(value);
}

/* The function as native.serve() takes it: with numbers in the place of objects. */
function withObjects(f, told, objects) {
  const one = { ...told, handles: handlesOf(told) };
  if (one.handles.length === 0) return (...words) => follow(f(...words), (result) => result);
  return (...words) => {
    let answer, call;
    try {
      call = new Call(one, objects, words);
      answer = follow(f(...call.given), (result) => call.answer(result));
      return answer instanceof Promise ? answer.finally(() => call.end()) : answer;
    } finally {
      if (!(answer instanceof Promise)) call?.end();
    }
  };
}

module.exports = { Objects, withObjects, forget, follow };
