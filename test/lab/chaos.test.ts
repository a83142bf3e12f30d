// A deployed pair whose hosts are cut off, frozen, rebooted and switched off in turn while clients of the ops machine
// write to both nodes; then every key is checked on both.
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Verdict } from './chaos-clients.js';
import { ADDRESSES, type HostName, namespaceOf, REPOSITORY_DIR } from './infra/layout.js';
import { type Lab, useLab } from './use-lab.js';

const SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const UNIT = 'repcached@11211';

describe('a pair on two hosts under all faults', () => {
  const lab = useLab();

  it('loses nothing that a surviving node acknowledged, and agrees on every key', async () => {
    const { exitCode, stderr } = await lab.cli(['deploy', '--a', ADDRESSES.a, '--b', ADDRESSES.b]);
    expect(exitCode, stderr).toBe(0);
    await withClients(lab, async (clients) => {
      await clients.tell('start');
      await frozen(lab, 'a', 1_000);
      await frozen(lab, 'b', 4_000);
      await cut(lab, 'b', 5_000);
      await clients.tell('settle');
      await killed(lab, 'a', clients);
      await clients.tell('settle');
      await rebooted(lab, 'b', clients);
      await clients.tell('settle');
      // Both lose their power in turn: what was written lives on in the one that is up.
      for (const host of ['a', 'b'] as const) {
        await lab.powerOff(host);
        await clients.tell(`died ${host}`);
        await lab.powerOn(host);
        await clients.tell('settle');
      }
      const verdict = (await clients.tell('end')) as Verdict;
      console.log(`CHAOS_SEED=${SEED}: ${verdict.writes} writes, ${verdict.held} keys held`);
      expect(verdict.problems, `CHAOS_SEED=${SEED}`).toEqual([]);
      expect(verdict.writes).toBeGreaterThan(1_000);
      expect(verdict.held).toBeGreaterThan(100);
    });
  });
});

async function frozen(lab: Lab, host: HostName, forMs: number): Promise<void> {
  await mustDo(lab, host, `systemctl kill --signal=SIGSTOP ${UNIT}`);
  await sleep(forMs);
  await mustDo(lab, host, `systemctl kill --signal=SIGCONT ${UNIT}`);
}

async function cut(lab: Lab, host: HostName, forMs: number): Promise<void> {
  await lab.cut(host);
  await sleep(forMs);
  await lab.heal(host);
}

/** kill -9: systemd starts it again, a second after it is gone. */
async function killed(lab: Lab, host: HostName, clients: Clients): Promise<void> {
  const mainPid = `systemctl show --property=MainPID --value ${UNIT}`;
  const untilGone = `while [ "$(${mainPid})" = "$pid" ]; do sleep 0.05; done`;
  await mustDo(lab, host, `pid=$(${mainPid}); systemctl kill --signal=SIGKILL ${UNIT}; ${untilGone}`);
  await clients.tell(`died ${host}`);
}

/** In good order: it hands over first, and the peer says so. */
async function rebooted(lab: Lab, host: HostName, clients: Clients): Promise<void> {
  const peer = host === 'a' ? 'b' : 'a';
  const goodbyes = `journalctl --unit=${UNIT} --output=cat | grep --count 'link down (the peer was stopped)'`;
  const before = Number((await lab.on(peer, goodbyes)).stdout);
  await lab.reboot(host);
  expect(Number((await lab.on(peer, goodbyes)).stdout)).toBe(before + 1);
  await clients.tell(`stopped ${host}`);
}

async function mustDo(lab: Lab, host: HostName, command: string): Promise<void> {
  const { exitCode, stderr } = await lab.on(host, command);
  expect(exitCode, `${command}: ${stderr}`).toBe(0);
}

interface Clients {
  /** @returns what they answer; an error of theirs is thrown */
  tell(command: string): Promise<unknown>;
}

/** Runs the clients on the ops machine as long as the callback takes. */
async function withClients(lab: Lab, callback: (clients: Clients) => Promise<void>): Promise<void> {
  const program = path.join(REPOSITORY_DIR, 'test/lab/chaos-clients.ts');
  const argv = [process.execPath, '--import', 'tsx', program, ADDRESSES.a, ADDRESSES.b, String(SEED)];
  const child = execa('ip', ['netns', 'exec', namespaceOf(lab.layout, 'ops'), ...argv], {
    cwd: REPOSITORY_DIR,
    stdin: 'pipe',
    reject: false,
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    await callback({
      async tell(command) {
        child.stdin.write(`${command}\n`);
        const { value, done } = await answers.next();
        if (done) throw new Error(`the clients ended at "${command}": ${(await child).stderr}`);
        const answer = JSON.parse(value);
        if (answer.error !== undefined) throw new Error(`${command}: ${answer.error}`);
        return answer;
      },
    });
  } finally {
    child.stdin.end();
    child.kill();
    await child;
  }
}
