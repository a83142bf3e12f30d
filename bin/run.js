#!/usr/bin/env node
// The entry of repcachectl: runs the compiled commands of dist/. In a clone that is not set up, it says so.
let oclif;
try {
  oclif = await import('@oclif/core');
  await oclif.run(process.argv.slice(2), import.meta.url);
  oclif.flush();
} catch (error) {
  if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') notSetUp(error);
  await oclif.handle(error);
}

function notSetUp({ message }) {
  const reason = message.split('\n')[0].replace(/^\[MODULE_NOT_FOUND\] /, '');
  console.error(
    `Error: this clone is not set up, or parts of it are gone\nCaused by: ${reason}\nTry: npm start, or node bin/setup.js`,
  );
  process.exit(1);
}
