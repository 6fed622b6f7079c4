'use strict';
/* A server of objects that programs look into, in JavaScript: some functions answer at once, some
 * by promises. */

const room = new Int32Array(2); /* the same for all: what is told of an object is a copy */

class Tally {
  #last = 0;
  constructor(count) { this.count = count; }
  add(by) {
    this.#last = by;
    return this.count += by;
  }
  halve() {
    this.count = Math.trunc(this.count / 2);
    return new Tally(this.count);
  }
  mirror() {
    room.set([this.count, this.#last]);
    return room;
  }
}

class Long extends Tally {
  mirror() { return Buffer.alloc(9); }
}

class Later extends Tally {
  async mirror() { return super.mirror(); }
}

/* What is added in millions waits until so many calls do, and is answered last come first. */
const MANY = Number(process.env.SEEN_MANY);
const waiting = [];

function meet() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === MANY)
      for (const one of waiting.splice(0).reverse()) one();
  });
}

exports.seenNew = (count) => {
  switch (count) {
    case -1: return {};
    case -2: return new Long(count);
    case -3: return new Later(count);
    default: return new Tally(count);
  }
};

exports.seenAdd = (tally, by) => {
  if (by < 1e6) return tally.add(by);
  return meet().then(() => tally.add(by));
};

exports.seenSplit = async (tally) => ({ result: 0, ret_half: tally.halve() });

exports.seenClose = () => {};
