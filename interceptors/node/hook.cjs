'use strict';
/* Loaded in front of a program (--require, which `rhodes run` puts into NODE_OPTIONS):
 * require() and import of a name that a reference of this resource has give the callee.
 * What Node finds by itself stays what it is; RHODES_IMPORT=pricing,net_driver names what
 * is a callee all the same. */

const Module = require('node:module');
const path = require('node:path');

const FOUND = Symbol.for('rhodes.hook');

function isCandidate(name) {
  return typeof name === 'string' && /^[A-Za-z_][\w.-]*$/.test(name) && name !== 'rhodes' &&
         !Module.builtinModules.includes(name);
}

const index = path.join(__dirname, 'index.js');

/* The addon is loaded only when a name may be one of ours. */
function find(name) {
  return isCandidate(name) ? require(index).find(name) : undefined;
}

const forced = new Set((process.env.RHODES_IMPORT ?? '').split(','));

function isFound(name, words) {
  try {
    Module._resolveFilename(name, ...words);
    return true;
  } catch {
    return false;
  }
}

function hookRequire() {
  const load = Module._load;
  Module._load = function (name, ...words) {
    if (isCandidate(name) && (forced.has(name) || !isFound(name, words))) {
      const callee = find(name);
      if (callee) return callee;
    } else if (name === 'rhodes' && !isFound(name, words)) {
      return load.call(this, index, ...words);
    }
    return load.call(this, name, ...words);
  };
}

/* Node 18.19, 20.6 and later; before, --experimental-loader hook.mjs does it. */
function hookImport() {
  if (typeof Module.register !== 'function') return;
  Module.register(require('node:url').pathToFileURL(path.join(__dirname, 'hook.mjs')));
}

if (process.env.RHODES_INTERFACES && !globalThis[FOUND]) {
  Object.defineProperty(globalThis, FOUND, { value: { find, forced, index } });
  hookRequire();
  hookImport();
}
