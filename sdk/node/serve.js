#!/usr/bin/env node
'use strict';
/* node serve.js FILE [ARGUMENT...]: serves what FILE exports, a CommonJS or ES module,
 * as the resource that this process runs as.  FILE may also call serve() itself. */

const path = require('node:path');
const { pathToFileURL } = require('node:url');
const rhodes = require('./index.js');

async function main() {
  const [file, ...words] = process.argv.slice(2);
  if (!file) throw new Error('usage: serve.js FILE [ARGUMENT...]');
  const full = path.resolve(file);
  process.argv = [process.argv[0], full, ...words];
  const loaded = await import(pathToFileURL(full));
  const object = loaded.default && typeof loaded.default === 'object' ? loaded.default
                                                                       : loaded;
  await rhodes.serve(object, object.options ?? {});
}

main().then(() => process.exit(0), (error) => {
  process.stderr.write(`rhodes: ${error instanceof rhodes.RhodesError ? error.message
                                                                     : error.stack}\n`);
  process.exit(1);
});
