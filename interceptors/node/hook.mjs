/* The part of the hook that Node loads for import (hook.cjs registers it).  It runs beside
 * the program, on a thread of Node's own: it says which names are callees, and the module
 * that it makes for one asks the program's own thread for the object. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const hook = fileURLToPath(new URL('./hook.cjs', import.meta.url));
const SCHEME = 'rhodes-callee:';
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function inFront() {
  require(hook);
  return globalThis[Symbol.for('rhodes.hook')];
}

function ours(name) {
  const front = inFront();
  if (name === 'rhodes') return front && { url: pathToFileURL(front.index).href };
  return front?.find(name) && { url: SCHEME + name, shortCircuit: true };
}

export async function resolve(name, context, next) {
  const callee = inFront()?.forced.has(name) && ours(name);
  if (callee) return callee;
  try {
    return await next(name, context);
  } catch (error) {
    const other = error.code === 'ERR_MODULE_NOT_FOUND' && ours(name);
    if (!other) throw error;
    return other.shortCircuit ? other : next(other.url, context);
  }
}

function sourceOf(name, library) {
  const lines = [`import { createRequire } from 'node:module';`,
                 `const hook = createRequire(${JSON.stringify(import.meta.url)})` +
                 `(${JSON.stringify(hook)});`,
                 `const library = globalThis[Symbol.for('rhodes.hook')]` +
                 `.find(${JSON.stringify(name)});`,
                 `export default library;`];
  for (const key of Object.getOwnPropertyNames(library)) {
    if (IDENTIFIER.test(key) && key !== 'default')
      lines.push(`const $${key} = library[${JSON.stringify(key)}];`,
                 `export { $${key} as ${key} };`);
  }
  return lines.join('\n');
}

export async function load(url, context, next) {
  if (!url.startsWith(SCHEME)) return next(url, context);
  const name = url.slice(SCHEME.length);
  return { format: 'module', shortCircuit: true, source: sourceOf(name, inFront().find(name)) };
}
