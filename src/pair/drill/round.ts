// One round of the drill: kill one node under load, look what the survivor has, bring it back, compare both.
// Whatever happens on the way, the node is started again, the timer on its host is disarmed and all keys are removed.
import { CheckFailure, type CheckResult } from '../check-result.js';
import { reasonOf } from '../client/client-error.js';
import { nodeAnswers } from '../client/connect.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import { batches } from '../probe-keys.js';
import { Releasers } from '../releasers.js';
import { caughtUp, replicationOf } from '../replication-stats.js';
import { type CheckFinding, runCheck, sinceMs } from '../run-check.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import { type PollOptions, pause, poll } from '../wait.js';
import { DrillData } from './drill-data.js';
import { describe, type Mismatch } from './journal.js';
import { Load } from './load.js';
import { findLost, judgeLoss } from './loss.js';
import type { DrillOptions, DrillRound } from './report.js';

export type RoundOptions = Required<Omit<DrillOptions, 'signal' | 'victims' | 'onProgress'>> &
  Pick<DrillOptions, 'signal' | 'onProgress'>;

const DEAD_WITHIN_MS = 5000;
const EQUAL_WITHIN_MS = 10_000;

/** Runs the round; what fails is in the report. @throws the signal's reason, once everything is put back. */
export async function runRound(pair: OpenPair, victim: NodeName, options: RoundOptions): Promise<DrillRound> {
  return new Round(pair, victim, options).run();
}

class Round {
  readonly #pair: OpenPair;
  readonly #victim: NodeName;
  readonly #survivor: NodeName;
  readonly #options: RoundOptions;
  readonly #data: DrillData;
  readonly #releasers = new Releasers();
  readonly #load: Load;
  readonly #begun = performance.now();
  readonly #report: DrillRound;
  #baseline: string[] = [];
  #killedAt = 0;
  #restartedAt = 0;
  #isBack = false;

  constructor(pair: OpenPair, victim: NodeName, options: RoundOptions) {
    this.#pair = pair;
    this.#victim = victim;
    this.#survivor = peerOf(victim);
    this.#options = options;
    this.#data = new DrillData(pair);
    const { connections, writesPerSec } = options;
    this.#load = new Load({ pair, data: this.#data, connections, writesPerSec });
    this.#report = {
      victim,
      survivor: this.#survivor,
      ok: false,
      checks: [],
      ackedWrites: 0,
      ackedByVictim: 0,
      lost: [],
      clientErrors: 0,
      errorSamples: [],
      timeline: [],
    };
  }

  async run(): Promise<DrillRound> {
    let failure: unknown;
    try {
      await this.#phases();
    } catch (error) {
      failure = error;
    }
    const clean = await this.#putBack();
    if (failure !== undefined) {
      if (clean.outcome === 'ok') throw failure;
      throw new AggregateError([failure, new Error(clean.seen)], `${reasonOf(failure)}; ${clean.seen}`);
    }
    const { errors, errorSamples, longestGapMs } = this.#load.figures;
    const checks = this.#report.checks;
    return {
      ...this.#report,
      ok: checks.every((check) => check.outcome === 'ok'),
      ackedWrites: this.#data.journal.total,
      clientErrors: errors,
      errorSamples,
      longestGapMs: Math.round(longestGapMs),
    };
  }

  /** Each phase rests on the one before; where one fails that the rest needs, the round ends. */
  async #phases(): Promise<void> {
    const { victim, survivor } = this.#report;
    if (
      !(await this.#phase('baseline', 'keys written through both nodes are on both', () =>
        this.#writeBaseline(),
      ))
    ) {
      return;
    }
    if (!(await this.#phase('kill', `${victim} is killed under load`, () => this.#kill()))) return;
    await this.#phase('kept', `${survivor} has all that was on both`, () => this.#checkKept());
    await this.#phase('lost', 'acknowledged writes lost', () => this.#countLost());
    await this.#phase('writable', `${survivor} alone takes writes and deletes`, () => this.#checkWritable());
    if (!(await this.#phase('restart', `${victim} is back and serves`, () => this.#bringBack()))) return;
    if (!(await this.#phase('resync', 'both nodes are in sync again', () => this.#awaitSync()))) return;
    await this.#phase('equal', 'both nodes hold every acknowledged write alike', () => this.#checkEqual());
  }

  async #phase(id: string, title: string, run: () => Promise<CheckFinding>): Promise<boolean> {
    const result = await runCheck({ id, title, remedy: REMEDIES[id] }, run, this.#options.signal);
    this.#report.checks.push(result);
    if (result.outcome === 'failed') this.#note(`failed: ${title}: ${result.seen}`);
    return result.outcome === 'ok';
  }

  async #writeBaseline(): Promise<CheckFinding> {
    for (const name of NODE_NAMES) {
      this.#releasers.add(`close the connection to ${name}`, () => this.#data.close(name));
    }
    for (const name of NODE_NAMES) {
      this.#releasers.add(`remove the keys ${this.#data.keys.prefix}* from ${name}`, () =>
        this.#data.removeKeys(name),
      );
    }
    for (const via of NODE_NAMES) {
      const keys = Array.from({ length: this.#options.baselineKeys }, (_, i) =>
        this.#data.keys.key(`base:${via}:${i}`),
      );
      this.#baseline.push(...keys);
      for (const batch of batches(keys)) {
        await Promise.all(batch.map((key) => this.#data.write(via, key, `baseline through ${via}`)));
      }
    }
    await this.#data.awaitEqual(this.#baseline, this.#equalWithin());
    this.#note(`${this.#baseline.length} baseline keys are on both nodes`);
    return { detail: `${this.#baseline.length} keys` };
  }

  async #kill(): Promise<CheckFinding> {
    const { signal, loadBeforeSec, restoreAfterSec } = this.#options;
    const { service } = this.#pair.nodes[this.#victim];
    this.#releasers.add('stop the load', () => this.#load.stop());
    this.#load.start();
    this.#note('load begins');
    await pause(loadBeforeSec * 1000, signal);

    this.#releasers.add(`bring ${this.#victim} back`, async () => {
      if (!this.#isBack) await service.recover();
    });
    this.#note(`killing ${this.#victim} (its host would restart it after ${restoreAfterSec} s)`);
    const calledAt = performance.now();
    await service.crash({ restoreAfterSec });
    // On a remote host the call takes longer than the kill: the node's last answer tells when it still lived.
    this.#killedAt = Math.max(calledAt, this.#data.journal.lastAckAt[this.#victim]);
    this.#report.ackedByVictim = this.#data.journal.acked[this.#victim];
    this.#data.close(this.#victim);
    this.#note(`${this.#victim} is killed`);
    const dead = async () => ((await nodeAnswers(this.#pair.nodes[this.#victim])) ? undefined : true);
    if ((await poll(dead, { withinMs: DEAD_WITHIN_MS, everyMs: 50, signal })) === undefined) {
      throw new CheckFailure(`no answer from ${this.#victim}`, 'it still serves');
    }
    return { detail: `${this.#report.ackedByVictim} writes acknowledged by ${this.#victim} before` };
  }

  async #checkKept(): Promise<CheckFinding> {
    const missing = await this.#data.journal.mismatches(
      await this.#data.client(this.#survivor),
      this.#baseline,
    );
    if (missing.length > 0)
      throw new CheckFailure(`all ${this.#baseline.length} keys`, describeMismatches(missing));
    return { detail: `${this.#baseline.length} keys` };
  }

  async #countLost(): Promise<CheckFinding> {
    const { ackedByVictim } = this.#report;
    const { maxLost, signal } = this.#options;
    const query = { victim: this.#victim, survivor: this.#survivor, killedAt: this.#killedAt, signal };
    const lost = await findLost(this.#data, query);
    this.#report.lost = lost;
    if (lost.length > 0) this.#report.lossWindowMs = lost[0].beforeKillMs;
    this.#note(`${lost.length} acknowledged writes lost, of ${ackedByVictim}`);
    return judgeLoss(lost, { ackedByVictim, maxLost });
  }

  async #checkWritable(): Promise<CheckFinding> {
    const survivor = await this.#data.client(this.#survivor);
    const ackedBefore = this.#data.journal.acked[this.#survivor];
    // What changes now is what the dead node misses: it must neither keep the old nor bring it back.
    for (const [index, key] of this.#baseline.entries()) {
      if (index % 5 === 0) await this.#data.write(this.#survivor, key, 'changed meanwhile');
      if (index % 5 === 1) await this.#data.write(this.#survivor, key, undefined);
    }
    const changed = this.#data.journal.acked[this.#survivor] - ackedBefore;
    const wrong = await this.#data.journal.mismatches(survivor, this.#baseline);
    if (wrong.length > 0) throw new CheckFailure('every change in place', describeMismatches(wrong));
    await pause(this.#options.downSec * 1000, this.#options.signal);
    const byClients = this.#data.journal.acked[this.#survivor] - ackedBefore;
    return { detail: `${changed} keys changed or deleted, ${byClients - changed} writes by the load` };
  }

  async #bringBack(): Promise<CheckFinding> {
    const { service } = this.#pair.nodes[this.#victim];
    const { resyncWithinSec, signal } = this.#options;
    const startedAt = performance.now();
    this.#note(`starting ${this.#victim} again`);
    await service.recover();
    const serving = async () => ((await nodeAnswers(this.#pair.nodes[this.#victim])) ? true : undefined);
    if ((await poll(serving, { withinMs: resyncWithinSec * 1000, everyMs: 20, signal })) === undefined) {
      throw new CheckFailure(`answers within ${resyncWithinSec} s`, 'no answer');
    }
    this.#report.portOpenMs = sinceMs(startedAt);
    this.#restartedAt = startedAt;
    this.#isBack = true;
    this.#note(`${this.#victim} serves clients`);
    return { detail: `after ${Math.round(this.#report.portOpenMs)} ms` };
  }

  async #awaitSync(): Promise<CheckFinding> {
    const { resyncWithinSec, signal } = this.#options;
    let seen = 'nothing';
    const inSync = async () => {
      const [a, b] = await Promise.all(
        NODE_NAMES.map(async (name) => replicationOf(this.#pair.nodes[name], await this.#data.client(name))),
      );
      seen = `a: ${a.state}, ${a.unacked} unacknowledged; b: ${b.state}, ${b.unacked} unacknowledged`;
      return caughtUp(a, a.logSeq) && caughtUp(b, b.logSeq) ? true : undefined;
    };
    if ((await poll(inSync, { withinMs: resyncWithinSec * 1000, everyMs: 20, signal })) === undefined) {
      throw new CheckFailure(`in sync within ${resyncWithinSec} s`, seen);
    }
    this.#report.resyncMs = sinceMs(this.#restartedAt);
    this.#note('both nodes are in sync');
    return { detail: `after ${Math.round(this.#report.resyncMs)} ms` };
  }

  async #checkEqual(): Promise<CheckFinding> {
    this.#load.goHome();
    await pause(this.#options.loadAfterSec * 1000, this.#options.signal);
    await this.#load.stop();
    this.#note('load ends');
    const present = await this.#data.awaitEqual(this.#data.keys.all(), this.#equalWithin());
    for (const name of NODE_NAMES) {
      const wrong = await this.#data.journal.mismatches(await this.#data.client(name));
      if (wrong.length > 0) {
        throw new CheckFailure('what was acknowledged', `on ${name}: ${describeMismatches(wrong)}`);
      }
    }
    this.#note(`both nodes hold the same ${present} items`);
    return { detail: `${present} items` };
  }

  /** Not subject to the signal: this is what must happen also after it. */
  #putBack(): Promise<CheckResult> {
    return runCheck({ id: 'put-back', title: '', remedy: '' }, async () => {
      await this.#releasers.releaseAll();
      return {};
    }).then((result) => {
      if (result.outcome === 'failed') {
        this.#report.checks.push({
          ...result,
          title: 'everything is put back',
          remedy: `see \`repcachectl status\`; the drill's keys expire within the hour by themselves`,
        });
      }
      return result;
    });
  }

  #equalWithin(): PollOptions {
    const { resyncWithinSec, signal } = this.#options;
    return { withinMs: Math.min(EQUAL_WITHIN_MS, resyncWithinSec * 1000), everyMs: 50, signal };
  }

  #note(what: string): void {
    const atMs = Math.round(performance.now() - this.#begun);
    this.#report.timeline.push({ atMs, what });
    this.#options.onProgress?.({ victim: this.#victim, atMs, what });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  baseline: 'run `repcachectl verify`: it says what does not replicate',
  kill: 'see `repcachectl status`; the drill needs the right to kill the node and to arm a timer on its host',
  kept: 'see `repcachectl logs` of the survivor; it lost what it had acknowledged',
  lost: 'replication lags: see `repcachectl status` for unacknowledged writes and the link',
  writable: 'see `repcachectl logs` of the survivor',
  restart: 'see `repcachectl logs` of the node that was killed',
  resync:
    'see `repcachectl status` and `repcachectl logs`: the link does not come up again, or the copy is slow',
  equal: 'run `repcachectl verify`; restarting one node makes it take a full copy of the other',
};

function describeMismatches(mismatches: readonly Mismatch[]): string {
  const [{ key, entry, seen }] = mismatches;
  const first = `${key} holds ${seen}, not ${describe(entry.acked)}`;
  return mismatches.length === 1 ? first : `${mismatches.length} wrong, such as: ${first}`;
}
