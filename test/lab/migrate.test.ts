// From a legacy pair to our engine and, half way, back: with clients at work, of whose keys none may be lost. The
// legacy program is the stand-in of test/fixtures/legacy-source, built on the hosts.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, PAIR_HOSTS } from './infra/layout.js';
import { waitUntil } from './infra/processes.js';
import { packSource } from './legacy-source.js';
import { type Lab, useLab } from './use-lab.js';

const PAIR = ['--a', ADDRESSES.a, '--b', ADDRESSES.b, '--memory', '64'];
const ARCHIVE = 'memcached-1.2.8-repcached-2.2.1.tar.gz';
const LEGACY = 'repcached-legacy@11211';
const OURS = 'repcached@11211';
const KEYS = 10_000;
const FORWARD = ['migrate', '--to', 'repcached'];
const BACK = ['migrate', '--back'];
const CLIENTS = fileURLToPath(new URL('steady-clients.mjs', import.meta.url));

describe('a migration', () => {
  const lab = useLab();

  it('has a legacy pair to begin with', async () => {
    packSource(lab, ARCHIVE);
    await succeeds(lab, ['deploy', ...PAIR, '--engine', 'legacy', '--source', ARCHIVE], 300_000);
    await succeeds(lab, ['verify']);
    const yaml = `${await home(lab)}# ours: nobody touches this pair on Fridays\n`;
    await lab.writeHome('repcache.yaml', yaml);
  });

  it('says what it would do, and does nothing', async () => {
    const { moves } = await json(lab, [...FORWARD, '--dry-run', '--json']);
    expect(moves).toMatchObject([
      { node: 'b', from: 'legacy', to: 'bridge' },
      { node: 'a', from: 'legacy', to: 'own' },
      { node: 'b', from: 'bridge', to: 'own' },
    ]);
    expect(await units(lab)).toEqual(['legacy', 'legacy']);
    expect((await lab.on('a', 'ls -d /opt/repcached')).exitCode).not.toBe(0);
  });

  it('stops between two moves, goes back, and loses nothing on the way', async () => {
    const clients = await startClients(lab);
    await interrupted(lab, FORWARD, /✔ b: our engine, speaking the legacy protocol/);
    expect(await units(lab)).toEqual(['legacy', 'ours']);
    const status = await lab.cli(['status'], { env: { COLUMNS: '200' } });
    expect(status.stdout).toContain('our engine runs in its place');
    expect((await lab.cli(['start'])).stderr).toContain('repcachectl migrate --back');
    expect((await lab.cli(['deploy'])).stderr).toContain('repcachectl migrate --back');
    const asNew = await lab.cli(['deploy', ...PAIR, '--config', 'other.yaml']);
    expect(asNew.stderr).toMatch(
      /a: port 11211 is taken by memcached \(pid \d+, repcached-legacy@11211\.service\)/,
    );
    expect(asNew.stderr).toContain('repcachectl migrate --to repcached');
    expect((await lab.on('b', `systemctl is-enabled ${LEGACY}`)).stdout).toBe('disabled');
    await succeeds(lab, BACK);
    expect(await units(lab)).toEqual(['legacy', 'legacy']);
    await succeeds(lab, ['status']);
    for (const host of PAIR_HOSTS) {
      const left = 'ls -d /opt/repcached /etc/repcached /var/lib/repcached; id repcached';
      expect((await lab.on(host, left)).stdout).toBe('');
    }
    expect(await clients.stop()).toMatchObject({ lost: { a: 0, b: 0 } });
  });

  it('loses nothing on its way to the end, where it was stopped and where a host was cut off', async () => {
    const clients = await startClients(lab);
    await interrupted(lab, FORWARD, /✔ b: our engine, speaking the legacy protocol/);
    // As if the operator's machine had been lost between the stop of the one and the start of the other, which come
    // after b has everything.
    await waitUntil(
      async () => /repl_state synced/.test(await lab.ask('b', 'stats replication\r\n').catch(() => '')),
      30_000,
      () => 'b never had everything',
    );
    await lab.on('a', `systemctl stop ${LEGACY}`);
    const { found, moves } = await json(lab, [...FORWARD, '--dry-run', '--json']);
    expect(found).toEqual({ a: 'down', b: 'bridge' });
    expect(moves).toHaveLength(2);
    await interrupted(lab, FORWARD, /✔ a: our engine, speaking its own protocol/);
    expect(await units(lab)).toEqual(['ours', 'ours']);
    expect((await lab.cli(BACK)).exitCode).toBe(5);
    await succeeds(lab, FORWARD);
    const figures = await clients.stop();
    expect(figures).toMatchObject({ lost: { a: 0, b: 0 } });
    expect(figures.keys).toBeGreaterThan(KEYS);
    expect(figures.writes).toBeGreaterThan(1000);
  });

  it('leaves a pair of our engine, and of the legacy one the program alone', async () => {
    expect(await home(lab)).toMatch(/^engine: repcached$[\s\S]*nobody touches this pair on Fridays/m);
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
    await succeeds(lab, ['verify']);
    for (const host of PAIR_HOSTS) {
      const left = 'ls -d /etc/repcached-legacy /etc/systemd/system/*legacy*; id repcached-legacy';
      expect((await lab.on(host, left)).stdout).toBe('');
      expect((await lab.on(host, '/usr/local/repcached/bin/memcached -h')).stdout).toContain('repcached');
      expect((await lab.on(host, `systemctl is-enabled ${OURS}`)).stdout).toBe('enabled');
      const settings = await lab.on(host, 'cat /etc/repcached/11211.env');
      expect(settings.stdout).not.toContain('legacy');
    }
    const again = await succeeds(lab, FORWARD);
    expect(again.stdout).toContain('runs our engine already');
  });
});

interface Figures {
  readonly writes: number;
  readonly keys: number;
  readonly lost: { readonly a: number; readonly b: number };
}

/** Clients that hold 10,000 keys and write more, until they are stopped and compare. */
async function startClients(lab: Lab): Promise<{ stop(): Promise<Figures> }> {
  const argv = [process.execPath, CLIENTS, ADDRESSES.a, ADDRESSES.b, String(KEYS)];
  const running = lab.startOps(argv, { timeoutMs: 280_000 });
  let said = '';
  running.stdout.on('data', (text: Buffer) => {
    said += text.toString();
  });
  await waitUntil(
    async () => said.includes('ready\n'),
    30_000,
    () => `the clients do not start: ${said}`,
  );
  return {
    async stop() {
      // Not SIGTERM, which execa lets SIGKILL follow while they still compare.
      running.kill('SIGINT');
      const { stdout, stderr } = await running;
      const last = stdout.split('\n').at(-1) ?? '';
      if (!last.startsWith('{')) throw new Error(`the clients ended: ${stdout}\n${stderr}`);
      return JSON.parse(last) as Figures;
    },
  };
}

/** Runs the CLI and presses Ctrl-C once it has said that; it must end as one that was interrupted. */
async function interrupted(lab: Lab, args: readonly string[], said: RegExp): Promise<void> {
  const running = lab.startCli(args, { timeoutMs: 120_000 });
  let output = '';
  let isStopped = false;
  running.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    if (said.test(output) && !isStopped) {
      isStopped = true;
      running.kill('SIGINT');
    }
  });
  const { exitCode, stderr } = await running;
  expect(exitCode, `${output}\n${stderr}`).toBe(130);
  expect(output).toMatch(said);
}

/** What runs on each host. */
async function units(lab: Lab): Promise<string[]> {
  return Promise.all(
    PAIR_HOSTS.map(async (host) => {
      const { stdout } = await lab.on(host, `systemctl is-active ${LEGACY} ${OURS}`);
      const [legacy, ours] = stdout.split('\n');
      return [legacy === 'active' ? 'legacy' : '', ours === 'active' ? 'ours' : ''].join('');
    }),
  );
}

async function home(lab: Lab): Promise<string> {
  return (await lab.ops(['cat', 'repcache.yaml'])).stdout.trimEnd().concat('\n');
}

/** Runs the CLI and fails with all that it said when it does not exit with 0. */
async function succeeds(lab: Lab, args: readonly string[], timeoutMs = 120_000) {
  const result = await lab.cli(args, { timeoutMs });
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function json(lab: Lab, args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await succeeds(lab, args);
  return JSON.parse(stdout) as Record<string, unknown>;
}
