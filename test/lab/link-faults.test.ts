// What happens to the link between two real hosts: cables, power, a node that hangs, and those who have no business at
// the replication port. Each is noticed, said in one line, and over by itself.
import { describe, expect, it } from 'vitest';
import { ADDRESSES, type HostName, PAIR_HOSTS } from './infra/layout.js';
import { waitUntil } from './infra/processes.js';
import { type Lab, useLab } from './use-lab.js';

const UNIT = 'repcached@11211';
const REPLICATION_PORT = 16000;
const SILENT = /link down \(nothing heard for 3 s\)/;
/** Silence is noticed after 3 s, a dial is 2 s off at most, and the machine may be busy. */
const SOON_MS = 15_000;

const lab = useLab();

describe('the link of a pair on two hosts', () => {
  it('stands once the pair is deployed', async () => {
    const { exitCode, stderr } = await lab.cli(['deploy', '--a', ADDRESSES.a, '--b', ADDRESSES.b]);
    expect(exitCode, stderr).toBe(0);
    await inSync(lab);
  });

  it('is re-formed after a cable was out with changes under way', async () => {
    const journals = await Promise.all(PAIR_HOSTS.map((host) => Journal.of(lab, host)));
    await lab.cut('b');
    expect(await lab.ask('a', 'set cable 0 0 1\r\nx\r\n')).toBe('STORED');
    for (const journal of journals) await journal.says(SILENT);
    expect(await lab.ask('a', 'set alone 0 0 1\r\nx\r\n')).toBe('STORED');
    await lab.heal('b');
    for (const journal of journals) await journal.says(/sync done \(partial: /);
    for (const journal of journals) expect(await journal.lines(/link down/)).toHaveLength(1);
    expect(await lab.ask('b', 'get cable\r\nget alone\r\n')).toMatch(/VALUE cable .*VALUE alone /s);
    await inSync(lab);
  });

  it('is re-formed with a host that lost its power with changes under way', async () => {
    const onA = await Journal.of(lab, 'a');
    await lab.powerOff('b');
    expect(await lab.ask('a', 'set power 0 0 1\r\nx\r\n')).toBe('STORED');
    await onA.says(SILENT);
    await lab.powerOn('b');
    await onA.says(/sync done \(full: sent/);
    expect(await onA.lines(/link down/)).toHaveLength(1);
    await inSync(lab);
    expect(await lab.ask('b', 'get power\r\nget cable\r\n')).toMatch(/VALUE power .*VALUE cable /s);
  });

  it('outlives a peer that hangs, and clients do not notice', async () => {
    const [onA, onB] = await Promise.all(PAIR_HOSTS.map((host) => Journal.of(lab, host)));
    await mustDo(lab, 'b', `systemctl kill --signal=SIGSTOP ${UNIT}`);
    for (let count = 0; count < 10; count += 1) {
      expect(await lab.ask('a', `set hang${count} 0 0 1\r\nx\r\nget hang${count}\r\n`)).toContain('VALUE');
    }
    await onA.says(SILENT);
    expect(await lab.ask('a', 'set given-up 0 0 1\r\nx\r\n')).toBe('STORED');
    await mustDo(lab, 'b', `systemctl kill --signal=SIGCONT ${UNIT}`);
    for (const journal of [onA, onB]) await journal.says(/sync done/);
    for (const journal of [onA, onB]) expect(await journal.lines(/link down/)).toHaveLength(1);
    expect(await lab.ask('b', 'get hang0\r\nget given-up\r\n')).toMatch(/VALUE hang0 .*VALUE given-up /s);
    await inSync(lab);
  });
});

describe('strangers at the replication port', () => {
  it('are refused in one line when they speak of something else, however they go on', async () => {
    const onA = await Journal.of(lab, 'a');
    const strange =
      /refused a connection from 192\.168\.37\.7:\d+: it does not speak the replication protocol/;
    const words = ['head -c 100000 /dev/urandom', "printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'"];
    for (const word of [...words, ...words]) {
      // The end of the connection may come while it still speaks.
      const script = `${word} | cat >&3 2>/dev/null; cat <&3 2>/dev/null | wc -c`;
      expect(await heardBytes(lab, script)).toBeLessThan(256);
    }
    await onA.says(strange);
    expect(await onA.lines(/refused|link/)).toHaveLength(1);
    await inSync(lab);
  });

  it('are not heard out when they say nothing, however many they are', async () => {
    const onA = await Journal.of(lab, 'a');
    // All are open at once; each is over when its end has come.
    const script =
      'open=; for n in {1..40}; do exec {fd}<>"/dev/tcp/$1/$2" && open="$open $fd"; done; ' +
      'for fd in $open; do cat <&$fd 2>/dev/null; done | wc -c';
    expect(await heardBytes(lab, script)).toBeLessThan(9 * 256);
    await onA.says(/refused a connection from 192\.168\.37\.7:\d+: it did not say who it is within 2 s/);
    expect(await onA.lines(/refused|link/)).toHaveLength(1);
    await inSync(lab);
  });

  it.each([
    ['of another pair', '--repl-pair another', 'it belongs to another pair (--repl-pair differs)'],
    ['with another secret', '--repl-pair $PAIR', 'it has another secret'],
  ])(
    'that are a node %s, wired here by mistake, are refused in one line of each log',
    async (_, flag, reason) => {
      const onA = await Journal.of(lab, 'a');
      await withExtraNode(
        lab,
        'b',
        `${flag} -x ${ADDRESSES.a} -X 16100:${REPLICATION_PORT}`,
        async (extra) => {
          await onA.says(/refused a connection from 192\.168\.37\.27:/);
          await extra.says(/refused (by|the peer from) 192\.168\.37\.17:/);
          // It dials again and again.
          await extra.says(/listening on/);
          for (const journal of [onA, extra]) {
            const lines = await journal.lines(/refused|link/);
            expect(lines).toHaveLength(1);
            expect(lines[0]).toContain(reason);
          }
          await inSync(lab);
        },
      );
    },
  );

  it('that are a node whose peer is its own address serve alone, and say so in one line', async () => {
    const flags = `--repl-pair another -x ${ADDRESSES.a} -X 16100`;
    await withExtraNode(lab, 'a', flags, async (extra) => {
      await extra.says(/refused .*: it is this node itself: point -x at the other host/);
      await extra.says(/listening on/);
      expect(await extra.lines(/refused|link/)).toHaveLength(1);
      await inSync(lab);
    });
  });
});

/** What a unit says from a moment on. */
class Journal {
  readonly #lab: Lab;
  readonly #host: HostName;
  readonly #unit: string;
  #from = 0;

  private constructor(lab: Lab, host: HostName, unit: string) {
    this.#lab = lab;
    this.#host = host;
    this.#unit = unit;
  }

  static async of(lab: Lab, host: HostName, unit = UNIT): Promise<Journal> {
    const journal = new Journal(lab, host, unit);
    journal.#from = (await journal.#all()).length;
    return journal;
  }

  async lines(pattern: RegExp): Promise<string[]> {
    return (await this.#all()).slice(this.#from).filter((line) => pattern.test(line));
  }

  async says(pattern: RegExp): Promise<void> {
    let said: string[] = [];
    await waitUntil(
      async () => {
        said = await this.lines(/./);
        return said.some((line) => pattern.test(line));
      },
      SOON_MS,
      () => `${this.#unit} on host ${this.#host} did not say ${pattern}, but:\n${said.join('\n')}`,
    );
  }

  async #all(): Promise<string[]> {
    const journal = `journalctl --quiet --unit=${this.#unit} --output=cat`;
    const { stdout } = await this.#lab.on(this.#host, journal);
    return stdout.split('\n').filter((line) => line.startsWith('repcached: '));
  }
}

/** Both nodes say that they hold the same, and have nothing to tell. */
async function inSync(lab: Lab): Promise<void> {
  let both: string[] = [];
  await waitUntil(
    async () => {
      both = await Promise.all(PAIR_HOSTS.map((host) => replicationOf(lab, host)));
      return both.every((stats) => /repl_state synced/.test(stats) && /repl_unacked 0/.test(stats));
    },
    SOON_MS,
    () => `the pair is not in sync:\n${both.join('\n')}`,
  );
}

/** A node that comes back takes clients only once it has everything: until then it has no answer. */
function replicationOf(lab: Lab, host: HostName): Promise<string> {
  return lab.ask(host, 'stats replication\r\n').catch((error: Error) => error.message);
}

/** Runs a script on the ops machine with a connection to A's replication port as its file 3. @returns the number it prints */
async function heardBytes(lab: Lab, script: string): Promise<number> {
  const program = `exec 3<>"/dev/tcp/$1/$2" && ${script}`;
  const argv = ['timeout', '20', 'bash', '-c', program, 'bash', ADDRESSES.a, String(REPLICATION_PORT)];
  const { stdout, stderr, exitCode } = await lab.ops(argv);
  expect(exitCode, stderr).toBe(0);
  return Number(stdout);
}

/** One more node on a host, with a secret of its own, as long as the callback takes. */
async function withExtraNode(
  lab: Lab,
  host: HostName,
  flags: string,
  callback: (journal: Journal) => Promise<void>,
): Promise<void> {
  const unit = 'extra-node';
  const secret = '/run/extra-node.secret';
  const journal = await Journal.of(lab, host, unit);
  await mustDo(
    lab,
    host,
    `. /etc/repcached/11211.env; install -m 0600 -o repcached /dev/null ${secret}; echo a secret of its own >${secret}; ` +
      `systemd-run --quiet --unit=${unit} /opt/repcached/current/repcached ` +
      `-u repcached -l 127.0.0.1 -p 11311 -m 64 --repl-listen ${ADDRESSES[host]} --repl-ready-timeout 0 ` +
      `--repl-secret-file ${secret} ${flags}`,
  );
  try {
    await callback(journal);
  } finally {
    await lab.on(host, `systemctl stop ${unit}; systemctl reset-failed ${unit}; rm ${secret}`);
  }
}

async function mustDo(lab: Lab, host: HostName, command: string): Promise<void> {
  const { exitCode, stderr } = await lab.on(host, command);
  expect(exitCode, `${command}: ${stderr}`).toBe(0);
}
