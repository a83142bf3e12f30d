// The life of a local pair by the real binary and the real engine: deploy, use, drill, deploy again, destroy.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../helpers/free-port.js';
import { CLI_IS_BUILT, CliFolder, type CliResult, ENGINE_IS_BUILT } from './run-cli.js';

const LIMIT_MS = 120_000;

describe.skipIf(!CLI_IS_BUILT || !ENGINE_IS_BUILT)('a local pair', { timeout: LIMIT_MS }, () => {
  let cli: CliFolder;
  let ports: string[];
  const pids = new Set<number>();

  beforeAll(async () => {
    cli = await CliFolder.make();
    ports = ['--port', String(await freePort()), '--replication-port', String(await freePort())];
  });
  afterAll(async () => {
    await cli.run('destroy', '--local', '--yes');
    await cli.remove();
  }, LIMIT_MS);

  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse(succeeded(await cli.run(...args, '--json')).stdout) as T;

  it('would be made by deploy --dry-run, which makes nothing', async () => {
    const report = await json<Report>('deploy', '--local', '--dry-run', ...ports);
    expect(report).toMatchObject({ dryRun: true, changed: true, nodes: { a: { action: 'start' } } });
    expect(existsSync(cli.stateHome)).toBe(false);
  });

  it(
    'is made by deploy, which tells how to use it',
    async () => {
      const { stdout } = succeeded(await cli.run('deploy', '--local', ...ports));
      expect(stdout).toMatch(/The pair is up and in sync/);
      expect(stdout).toMatch(/nc 127\.0\.0\.1 \d+/);
      expect(stdout).toMatch(/npm stop/);
    },
    LIMIT_MS,
  );

  it('is in sync, says status', async () => {
    const status = await json<Status>('status', '--local');
    expect(status).toMatchObject({ ok: true, verdict: 'in sync' });
    for (const name of ['a', 'b'] as const) pids.add(status.nodes[name].service.pid);
  });

  it('keeps its secret in one file of the user alone, out of repcache.yaml and the command line', async () => {
    const folder = join(cli.stateHome, 'repcachectl', 'local');
    const secret = (await readFile(join(folder, 'a', 'secret'), 'utf8')).trim();
    expect(await readFile(join(folder, 'repcache.yaml'), 'utf8')).not.toContain(secret);
    for (const pid of pids) expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(secret);
  });

  it('has nothing to change when it is deployed again, also without the flags', async () => {
    expect(await json('deploy', '--local')).toMatchObject({
      changed: false,
      nodes: { a: { action: 'none', changes: [] } },
    });
    expect(succeeded(await cli.run('deploy', '--local', ...ports)).stdout).toMatch(/Nothing to change/);
    const status = await json<Status>('status', '--local');
    expect([...pids]).toEqual([status.nodes.a.service.pid, status.nodes.b.service.pid]);
  });

  it(
    'takes a new secret while it runs, also where an earlier run was stopped half way',
    async () => {
      const files = ['a', 'b'].map((name) => join(cli.stateHome, 'repcachectl', 'local', name, 'secret'));
      const secrets = (): Promise<string[]> => Promise.all(files.map((file) => readFile(file, 'utf8')));
      const [old] = await secrets();

      const rotated = succeeded(await cli.run('rotate-secret', '--local'));
      expect(rotated.stdout).toContain('The pair has a new secret; the link stood all the while.');
      const [current, other] = await secrets();
      expect(current).toMatch(/^[0-9a-f]{64}\n$/);
      expect([other, current === old]).toEqual([current, false]);
      for (const secret of [old, current]) {
        expect(rotated.stdout + rotated.stderr).not.toContain(secret.trim());
      }

      const begun = 'b'.repeat(64);
      await writeFile(files[1], `${begun}\n${current}`);
      expect(await json('rotate-secret', '--local')).toEqual({ resumed: true, linkKept: true });
      expect(await secrets()).toEqual([`${begun}\n`, `${begun}\n`]);

      expect(await json('deploy', '--local')).toMatchObject({ changed: false });
      const status = await json<Status>('status', '--local');
      expect([...pids]).toEqual([status.nodes.a.service.pid, status.nodes.b.service.pid]);
    },
    LIMIT_MS,
  );

  it(
    'holds, says verify',
    async () => {
      expect(await json('verify', '--local')).toMatchObject({ ok: true });
    },
    LIMIT_MS,
  );

  it(
    'survives the failover drill, which wants a confirmation',
    async () => {
      expect(await cli.run('failover-drill', '--local')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/--yes/),
      });
      expect(await json('failover-drill', '--local', '--yes', '--down-for', '1')).toMatchObject({ ok: true });
    },
    LIMIT_MS,
  );

  it(
    'takes another setting one node at a time, and keeps its data',
    async () => {
      const { port } = (await json<Report>('deploy', '--local')).nodes.a;
      expect(await say(port, 'set kept 0 0 2\r\nhi\r\n')).toContain('STORED');
      const report = await json<Report>('deploy', '--local', '--memory', '128');
      expect(report.nodes.a.action).toBe('restart');
      expect(report.nodes.b.action).toBe('restart');
      expect(await say(port, 'get kept\r\n')).toContain('hi');
    },
    LIMIT_MS,
  );

  it(
    'stops and starts again, node by node',
    async () => {
      succeeded(await cli.run('stop', '--local', '--node', 'b'));
      expect(await cli.run('status', '--local')).toMatchObject({
        exitCode: 7,
        stdout: expect.stringMatching(/degraded: b/),
      });
      expect(await cli.run('restart', '--local', '--node', 'a')).toMatchObject({
        exitCode: 6,
        stderr: expect.stringMatching(/would be lost/),
      });
      expect(await json('start', '--local')).toMatchObject({ changed: ['b'], inSync: true });
      expect(succeeded(await cli.run('logs', '--local', '--lines', '5')).stdout).toMatch(/==> a .*==> b /s);
    },
    LIMIT_MS,
  );

  it(
    'is left as it is when deploy is interrupted, and the next run finishes',
    async () => {
      const deploying = cli.start('deploy', '--local', '--memory', '64');
      deploying.stdout!.once('data', () => deploying.kill('SIGINT'));
      const { exitCode, stderr } = await deploying;
      expect(stderr).toMatch(/interrupted by SIGINT/);
      expect(exitCode).toBe(130);
      succeeded(await cli.run('deploy', '--local', '--memory', '64'));
      expect(await json('deploy', '--local', '--memory', '64')).toMatchObject({ changed: false });
    },
    LIMIT_MS,
  );

  it(
    'leaves nothing once it is destroyed',
    async () => {
      const status = await json<Status>('status', '--local');
      for (const name of ['a', 'b'] as const) pids.add(status.nodes[name].service.pid);
      succeeded(await cli.run('destroy', '--local', '--yes'));
      expect(existsSync(join(cli.stateHome, 'repcachectl'))).toBe(false);
      for (const pid of pids) expect(await runs(pid), `process ${pid}`).toBe(false);
      expect(succeeded(await cli.run('destroy', '--local', '--yes')).stdout).toMatch(/nothing to remove/);
    },
    LIMIT_MS,
  );

  it(
    'takes the next free port where a default one is taken, and says so',
    async () => {
      const squatter = net.createServer();
      // Where another program has it already, that one will do.
      await new Promise<void>((resolve) => {
        squatter.once('error', () => resolve()).listen(11211, '127.0.0.1', () => resolve());
      });
      try {
        const { stdout } = succeeded(await cli.run('deploy', '--local'));
        expect(stdout).toMatch(/a: port 11211 is taken, \d+ is used instead/);
      } finally {
        await new Promise((resolve) => squatter.close(resolve));
        await cli.run('destroy', '--local', '--yes');
      }
    },
    LIMIT_MS,
  );

  it.each(['--port', '--replication-port'])(
    'is not made where the port of %s is taken: it says by whom, also a second time',
    async (flag) => {
      const squatter = net.createServer();
      const taken = await new Promise<number>((resolve) => {
        squatter.listen(0, '127.0.0.1', () => resolve((squatter.address() as net.AddressInfo).port));
      });
      try {
        for (const more of [['--dry-run'], [], []]) {
          const { exitCode, stdout } = await cli.run(
            'deploy',
            '--local',
            '--json',
            flag,
            String(taken),
            ...more,
          );
          expect(exitCode, stdout).toBe(5);
          expect(JSON.parse(stdout).error).toMatchObject({
            code: 'PORT_TAKEN',
            message: expect.stringMatching(`^port ${taken} is taken by .*\\(pid ${process.pid}\\)$`),
            suggestions: expect.arrayContaining([`choose another port with ${flag}`]),
          });
        }
        expect(existsSync(join(cli.stateHome, 'repcachectl', 'local', 'repcache.yaml'))).toBe(false);
      } finally {
        await new Promise((resolve) => squatter.close(resolve));
      }
    },
    LIMIT_MS,
  );
});

interface Report {
  nodes: Record<'a' | 'b', { port: number; action: string }>;
}

interface Status {
  nodes: Record<'a' | 'b', { service: { pid: number } }>;
}

function succeeded(result: CliResult): CliResult {
  expect(result.exitCode, `${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

/** A dead one that its parent has not noticed yet does not run. */
async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.includes('(repcached)') && !stat.includes(') Z ');
}

/** Sends a command as an operator would with nc, and gives what comes back. */
function say(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.end(`${text}quit\r\n`));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('close', () => resolve(answer));
    socket.once('error', reject);
  });
}
