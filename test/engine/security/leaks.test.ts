// CVE-2009-1255: no command may tell where things lie in the process's memory, or whatever else is none of a client's business.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withNode } from '../../helpers/engine.js';

it('CVE-2009-1255: stats maps, and its like, are no groups of statistics', async () => {
  await withNode([], async (node) => {
    const client = await node.connect();
    for (const group of ['maps', 'malloc', 'env', 'hash', '../../proc/self/maps']) {
      expect(await client.command(`stats ${group}`)).toBe('ERROR');
    }
  });
});

it('no statistics hold an address of the process, or its folder', async () => {
  await withNode([], async (node) => {
    const maps = readFileSync(`/proc/${node.process.pid}/maps`, 'latin1').split('\n').filter(Boolean);
    const addresses = new Set(maps.flatMap((line) => line.split(' ')[0].split('-')));
    const client = await node.connect();
    await client.set('key', 'value');
    for (const group of ['', 'settings', 'items', 'slabs', 'sizes', 'replication']) {
      for (const [key, value] of await client.stats(group)) {
        const text = `${key} ${value}`;
        expect(text).not.toMatch(/0x[0-9a-f]{5,}|\/proc\/|\/tmp\//);
        expect(addresses.has(value), text).toBe(false);
      }
    }
  });
});
