// The facts of a real host: this machine.
import { readFile, readlink } from 'node:fs/promises';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalHost } from '../../../src/host/local-host.js';
import { gatherFacts, parseFacts } from '../../../src/pair/deploy/facts.js';
import type { OpenNode } from '../../../src/pair/open-pair.js';

let server: net.Server | undefined;
afterEach(
  () => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))),
);

describe('gatherFacts', () => {
  it('finds this machine, its clock, and who holds a port', async () => {
    server = net.createServer();
    const port = await new Promise<number>((resolve) => {
      server!.listen(0, '127.0.0.1', () => resolve((server!.address() as net.AddressInfo).port));
    });
    const node = {
      host: new LocalHost({ name: 'a' }),
      service: { status: async () => ({ state: 'running', pid: process.pid }) },
    } as unknown as OpenNode;
    const facts = await gatherFacts(node, {
      ports: [port],
      needsRoot: false,
      releasesDir: '/no/such/folder',
    });
    expect(facts.os).toBe('Linux');
    expect(facts.memoryAvailableMb).toBeGreaterThan(0);
    expect(facts.diskFreeMb).toBeGreaterThan(0);
    expect(facts.ownPid).toBe(process.pid);
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    expect(facts.identity).toBe(`${bootId} ${await readlink('/proc/self/ns/net')}`);
    expect(Math.abs(facts.clockOffsetMs)).toBeLessThanOrEqual(Math.ceil(facts.clockErrorMs) + 1);
    expect(facts.listeners).toMatchObject([{ port, pid: process.pid, program: expect.any(String) }]);
  });
});

describe('parseFacts', () => {
  it('knows the service that has a port, and a program without one', () => {
    const { listeners } = parseFacts(
      'listener=1 7 memcached.service memcached\nlistener=2 8  tmux: server\n',
    );
    expect(listeners).toEqual([
      { port: 1, pid: 7, unit: 'memcached.service', program: 'memcached' },
      { port: 2, pid: 8, program: 'tmux: server' },
    ]);
  });

  it('does without what the script could not find', () => {
    expect(parseFacts('os=Linux\nmachine=aarch64\nlistener=11211  \n')).toEqual({
      os: 'Linux',
      machine: 'aarch64',
      hasGlibc: false,
      hasSystemd: false,
      memoryAvailableMb: 0,
      diskFreeMb: 0,
      listeners: [{ port: 11211 }],
    });
  });
});
