// A node that can open no more files: who is connected is served, who dials is refused, and all is well afterwards.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { bunPath } from '../../helpers/bun.js';
import { hasOpenssl, TestAuthority } from '../../helpers/certificates.js';
import { EngineProcess, type TestNode, withNode, withPair } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import type { TextClient } from '../../helpers/text-client.js';
import { UdpClient } from '../../helpers/udp-client.js';

/** Machines that are busy take their time. */
const EVENTUALLY = { timeout: 10_000 };
const THREADS = ['1', '4'];

const NO_FILES = 4;
const FILES = 1000;
const CLOSED = /no file can be opened, the limit .*is reached \(EMFILE\): no more clients are accepted/;
const ALTERNATES = /is reached \(EMFILE\), again and again: clients are accepted by turns/;
const ACCEPTED = /there are files again: clients are accepted/;
const LINK_CLOSED =
  /no file can be opened, the limit .*is reached \(EMFILE\): the replication port is closed/;
const LINK_OPEN = /there are files again: the replication port is open/;

/** The soft limit, which may be raised again. */
function limitFiles({ pid }: EngineProcess, count: number): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${count}:`], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** One more than the highest descriptor in use: at this limit nothing that is open has to go. */
function usedFiles({ pid }: EngineProcess): number {
  return Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 1;
}

/** @returns the error's code; 'connected' without one, and then the connection is closed unless it is to stay */
async function dial(
  address: { port: number; host: string } | { path: string },
  then: 'stay' | 'leave' = 'leave',
): Promise<string> {
  const socket = connect(address);
  const outcome = await new Promise<string>((resolve) => {
    socket.on('connect', () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
  if (then === 'leave') socket.destroy();
  return outcome;
}

function clientPort({ port }: TestNode): { port: number; host: string } {
  return { port, host: '127.0.0.1' };
}

/** A connection that the node has accepted, and not only the system for it. */
async function guest(node: TestNode): Promise<TextClient> {
  const client = await node.connect();
  expect(await client.command('version')).toMatch(/^VERSION /);
  return client;
}

async function listenStats(client: TextClient): Promise<Record<string, string | undefined>> {
  const stats = await client.stats();
  return { accepting: stats.get('accepting_conns'), disabled: stats.get('listen_disabled_num') };
}

describe.each(THREADS)('a node without files, -t %s', (threads) => {
  it('refuses who dials, serves who is connected, and accepts again', { timeout: 30_000 }, async () => {
    await withNode(['-t', threads], async (node) => {
      const client = await node.connect();
      expect(await listenStats(client)).toEqual({ accepting: '1', disabled: '0' });
      limitFiles(node.process, NO_FILES);
      expect(await node.process.waitForLog(CLOSED)).toContain('raise the limit (LimitNOFILE= in the unit');
      for (let round = 0; round < 5; round += 1) expect(await dial(clientPort(node))).toBe('ECONNREFUSED');
      expect(await client.set('k', '1')).toBe('STORED');
      expect(await client.get('k')).toBe('1');
      expect(await listenStats(client)).toEqual({ accepting: '0', disabled: '1' });
      const soFarUs = Number((await client.stats()).get('time_in_listen_disabled_us'));
      limitFiles(node.process, FILES);
      await node.process.waitForLog(ACCEPTED);
      expect(await (await node.connect()).get('k')).toBe('1');
      expect(await listenStats(client)).toEqual({ accepting: '1', disabled: '1' });
      const inAllUs = Number((await client.stats()).get('time_in_listen_disabled_us'));
      expect(inAllUs).toBeGreaterThan(soFarUs);

      // Soon again: the log speaks of that once, and of the next times no more.
      limitFiles(node.process, NO_FILES);
      await node.process.waitForLog(ALTERNATES);
      expect(await dial(clientPort(node))).toBe('ECONNREFUSED');
      limitFiles(node.process, FILES);
      // The first thread that listens accepts; the node does when all of them listen.
      const open = { accepting: '1', disabled: '2' };
      await vi.waitFor(async () => expect(await listenStats(client)).toEqual(open), EVENTUALLY);
      expect(await dial(clientPort(node))).toBe('connected');
      // Once it is over the time does not grow.
      const { time_in_listen_disabled_us: us } = Object.fromEntries(await client.stats());
      expect((await client.stats()).get('time_in_listen_disabled_us')).toBe(us);
      await node.process.waitForLog(/there are files again, for some time now: clients are accepted/);
      expect(await client.command('stats reset')).toBe('RESET');
      expect(await listenStats(client)).toEqual({ accepting: '1', disabled: '0' });
      expect((await client.stats()).get('time_in_listen_disabled_us')).toBe('0');
    });
  });

  it('accepts again when clients leave', async () => {
    await withNode(['-t', threads], async (node) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => guest(node)));
      limitFiles(node.process, usedFiles(node.process));
      // Fill what gaps there may be.
      while ((await dial(clientPort(node), 'stay')) === 'connected');
      await node.process.waitForLog(CLOSED);
      for (const client of clients.slice(1)) client.close();
      await node.process.waitForLog(ACCEPTED);
      await guest(node);
      expect(await listenStats(clients[0])).toMatchObject({ accepting: '1' });
    });
  });

  it('keeps trying when another program has taken the port meanwhile', async () => {
    await withNode(['-t', threads], async (node) => {
      limitFiles(node.process, NO_FILES);
      await node.process.waitForLog(CLOSED);
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(node.port, '127.0.0.1', resolve));
      limitFiles(node.process, FILES);
      await node.process.waitForLog(/there are files again, but clients can't be accepted yet: .*in use/);
      await new Promise((resolve) => other.close(resolve));
      await node.process.waitForLog(ACCEPTED);
      await guest(node);
    });
  });

  it('ends in good order', async () => {
    await withNode(['-t', threads], async (node) => {
      const client = await guest(node);
      limitFiles(node.process, NO_FILES);
      await node.process.waitForLog(CLOSED);
      expect(await node.process.end('SIGTERM')).toEqual({ status: 0, signal: null });
      expect(await client.readToEnd()).toBe('');
    });
  });

  it('takes datagrams all the time', async () => {
    const udpPort = await freePort();
    await withNode(['-t', threads, '-U', String(udpPort)], async (node) => {
      const udp = await UdpClient.open(udpPort);
      limitFiles(node.process, NO_FILES);
      await node.process.waitForLog(CLOSED);
      expect(await udp.ask(1, 'version\r\n')).toMatch(/^VERSION /);
      limitFiles(node.process, FILES);
      await node.process.waitForLog(ACCEPTED);
      expect(await udp.ask(2, 'version\r\n')).toMatch(/^VERSION /);
      udp.close();
    });
  });

  it('has its unix socket back where it was, as it was', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'socket');
      const node = new EngineProcess(['-u', 'root', '-s', path, '-a', '750', '-t', threads]);
      await node.waitForLog(/listening on/);
      limitFiles(node, NO_FILES);
      await node.waitForLog(CLOSED);
      expect(existsSync(path)).toBe(false);
      limitFiles(node, FILES);
      await node.waitForLog(ACCEPTED);
      expect(await dial({ path })).toBe('connected');
      expect(lstatSync(path).mode & 0o777).toBe(0o750);
      expect(await node.end()).toEqual({ status: 0, signal: null });
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  it.skipIf(!hasOpenssl)('has the certificates that were new meanwhile', async () => {
    await withFolder(async (folder) => {
      const authority = new TestAuthority(folder, 'authority');
      const [before, after] = [authority.sign('before'), authority.sign('after')];
      const [certificate, key] = [join(folder, 'node.pem'), join(folder, 'node.key')];
      const install = (files: typeof before): void => {
        copyFileSync(files.certificateFile, certificate);
        copyFileSync(files.keyFile, key);
      };
      install(before);
      const flags = ['-t', threads, '-Z', '-o', `ssl_chain_cert=${certificate},ssl_key=${key}`];
      await withNode(flags, async (node) => {
        const commonName = async (): Promise<unknown> => {
          const socket = connectTls({ ...clientPort(node), rejectUnauthorized: false });
          await new Promise((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
          const { subject } = socket.getPeerCertificate();
          socket.destroy();
          return subject.CN;
        };
        limitFiles(node.process, NO_FILES);
        await node.process.waitForLog(CLOSED);
        // Without a signal the old ones stay.
        install(after);
        limitFiles(node.process, FILES);
        await node.process.waitForLog(ACCEPTED);
        expect(await commonName()).toBe('before');

        limitFiles(node.process, NO_FILES);
        await node.process.waitForLog(ALTERNATES);
        node.process.signal('SIGHUP');
        await node.process.waitForLog(/no clients are accepted just now: all is reloaded again/);
        limitFiles(node.process, FILES);
        await node.process.waitForLog(/: certificates reloaded$/m);
        expect(await commonName()).toBe('after');
      });
    });
  });

  it('closes its replication port where closing the others was no help, keeps the link, and opens it again', async () => {
    await withPair(
      async ({ a, b }) => {
        const [onA, onB] = [await guest(a), await guest(b)];
        limitFiles(a.process, NO_FILES);
        await a.process.waitForLog(CLOSED);
        await a.process.waitForLog(LINK_CLOSED);
        expect(await dial({ port: a.replicationPort, host: '127.0.0.1' })).toBe('ECONNREFUSED');
        expect(await onA.set('k', '1')).toBe('STORED');
        await vi.waitFor(async () => expect(await onB.get('k')).toBe('1'), EVENTUALLY);

        await b.process.end('SIGKILL');
        await a.process.waitForLog(/link down/);
        expect(await onA.set('k', '2')).toBe('STORED');
        // Neither can call the other.
        await b.start();
        limitFiles(a.process, FILES);
        await a.process.waitForLog(LINK_OPEN);
        await b.process.waitForLog(/sync done/);
        expect(await (await b.connect()).get('k')).toBe('2');
      },
      { flags: ['-t', threads] },
    );
  });
});

describe('a peer that can not be dialled for want of files', () => {
  it('is not taken for one that refuses', async () => {
    const program = fileURLToPath(new URL('dial-without-files.ts', import.meta.url));
    const argv = ['--nofile=64', bunPath(), program, String(await freePort())];
    const { stdout, stderr } = spawnSync('prlimit', argv, { encoding: 'utf8', env: {}, timeout: 20_000 });
    expect({ stdout, stderr }).toEqual({ stdout: 'ECONNREFUSED EMFILE ECONNREFUSED\n', stderr: '' });
  });
});
