// Flags of the process: its pid file, core files, locked memory, what is refused to clients, and what changes nothing.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ENGINE_PATH, EngineProcess, withNode } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { TextClient } from '../../helpers/text-client.js';

const isRoot = process.getuid?.() === 0;

/** Starts under limits of a shell and ends it again. @returns what it said, and what /proc said of it meanwhile */
async function underShell(
  limits: string,
  flags: readonly string[],
): Promise<{ log: string; limits: string; status: string }> {
  const argv = ['-u', 'root', '-l', '127.0.0.1', '-p', String(await freePort()), ...flags];
  const child = spawn('sh', ['-c', `${limits}; exec "$0" "$@"`, ENGINE_PATH, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  let facts: { limits: string; status: string } | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    // Once: what it says at its end must not have it looked at again.
    if (facts !== undefined || !log.includes('listening on')) return;
    facts = {
      limits: readFileSync(`/proc/${child.pid}/limits`, 'utf8'),
      status: readFileSync(`/proc/${child.pid}/status`, 'utf8'),
    };
    child.kill('SIGTERM');
  });
  await new Promise((resolve) => child.on('close', resolve));
  return { log, limits: '', status: '', ...facts };
}

describe('-P', () => {
  it('writes the process id once it serves, and removes it at the end', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'pid');
      await withNode(['-P', path], async (node) => {
        expect(readFileSync(path, 'utf8')).toBe(`${node.process.pid}\n`);
        // A second one that can't serve leaves the first one's alone.
        const second = new EngineProcess([
          '-u',
          'root',
          '-l',
          '127.0.0.1',
          '-p',
          String(node.port),
          '-P',
          path,
        ]);
        expect((await second.exited).status).toBe(71);
        expect(readFileSync(path, 'utf8')).toBe(`${node.process.pid}\n`);
        await node.process.end();
        expect(existsSync(path)).toBe(false);
      });
    });
  });

  it('replaces a link and does not follow it', async () => {
    await withFolder(async (folder) => {
      const precious = join(folder, 'precious');
      writeFileSync(precious, 'precious');
      symlinkSync(precious, join(folder, 'pid'));
      await withNode(['-P', join(folder, 'pid')], async () => {
        expect(readFileSync(precious, 'utf8')).toBe('precious');
      });
    });
  });

  it('says why it can not write', async () => {
    const node = new EngineProcess([
      '-u',
      'root',
      '-l',
      '127.0.0.1',
      '-p',
      String(await freePort()),
      '-P',
      '/nowhere/pid',
    ]);
    expect((await node.exited).status).toBe(71);
    expect(node.log).toContain("-P /nowhere/pid: can't be written (ENOENT)");
  });
});

describe('-d', () => {
  it('comes back once clients are served, and the node stays, in a session of its own', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'pid');
      const port = await freePort();
      const front = new EngineProcess([
        '-d',
        '-u',
        'root',
        '-l',
        '127.0.0.1',
        '-p',
        String(port),
        '-P',
        path,
      ]);
      expect(await front.exited).toEqual({ status: 0, signal: null });
      expect(front.log).toContain(`listening on 127.0.0.1:${port}`);
      const pid = Number(readFileSync(path, 'utf8'));
      expect(pid).not.toBe(front.pid);
      const [state, , , session] = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ');
      expect(state).not.toBe('Z');
      expect(Number(session)).toBe(pid);
      const client = await TextClient.connect(port);
      // Its log has no reader any more, which must be no harm.
      client.send('verbosity 1\r\n');
      expect(await client.readLine()).toBe('OK');
      for (let round = 0; round < 3; round += 1) (await TextClient.connect(port)).close();
      expect(await client.set('key', 'value')).toBe('STORED');
      process.kill(pid, 'SIGTERM');
      await client.readToEnd();
      await vi.waitFor(() => expect(existsSync(path)).toBe(false), { timeout: 5_000 });
    });
  });

  it('has the status of a start that fails', async () => {
    await withNode([], async (node) => {
      const front = new EngineProcess(['-d', '-u', 'root', '-l', '127.0.0.1', '-p', String(node.port)]);
      expect(await front.exited).toEqual({ status: 71, signal: null });
      expect(front.log).toContain('the port is in use');
    });
  });
});

describe('-r', () => {
  it('raises the limit of core files', async () => {
    const { limits } = await underShell('ulimit -Sc 0; ulimit -Hc 4', ['-r']);
    const [soft, hard] = /^Max core file size\s+(\d+)\s+(\d+)/m.exec(limits)?.slice(1) ?? [];
    expect(soft).toBe(hard);
    expect(Number(soft)).toBeGreaterThan(0);
  });

  it('says what to do where it can not', async () => {
    expect((await underShell('ulimit -c 0', ['-r'])).log).toContain('-r: the hard limit of core files is 0');
  });
});

describe.runIf(isRoot)('-k', () => {
  it('locks memory as it is taken, and no more', async () => {
    const { status } = await underShell('true', ['-k', '-m', '1024']);
    const kilobytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
    expect(kilobytes('VmLck')).toBeGreaterThan(0);
    expect(kilobytes('VmRSS')).toBeLessThan(512 * 1024);
  });
});

describe('-F', () => {
  it('refuses flush_all', async () => {
    await withNode(['-F'], async (node) => {
      const client = await node.connect();
      await client.set('key', 'value');
      expect(await client.command('flush_all')).toBe('CLIENT_ERROR flush_all not allowed');
      expect(await client.get('key')).toBe('value');
    });
  });
});

describe('flags that change nothing', () => {
  it('are taken, and said', async () => {
    await withNode(
      ['-b', '4096', '-R', '50', '-C', '-L', '-o', 'modern,hashpower=20,maxconns_fast'],
      async ({ process }) => {
        expect(process.log).toContain('-b changes nothing: it is always 512');
        expect(process.log).toContain('-R changes nothing: connections take turns by bytes');
        expect(process.log).toContain('-C changes nothing:');
        expect(process.log).toContain('-L changes nothing:');
        expect(process.log).toContain('-o modern,hashpower changes nothing here');
      },
    );
  });
});
