// Does a host reach its peer's replication port? Asked before anything listens there, so the usual good answer is
// "refused": the packet arrived. Silence, or "no route", is a firewall or a network in between.
import type { Duplex } from 'node:stream';
import type { OpenNode } from '../open-pair.js';
import type { HostCheck } from './checks.js';

const WITHIN_MS = 5_000;

export async function judgeReach(from: OpenNode, to: OpenNode): Promise<HostCheck> {
  const { replicationPort } = to.config;
  const target = `${to.host.address}:${replicationPort}`;
  const about = { id: 'reach', node: from.config.name };
  const answer = await tryConnect(from, to.host.address, replicationPort);
  switch (answer.kind) {
    case 'open':
      return { ...about, outcome: 'ok', detail: `${target} answers` };
    case 'refused':
      return { ...about, outcome: 'ok', detail: `${target} is reached; nothing listens yet` };
    case 'forbidden':
      return {
        ...about,
        outcome: 'warning',
        detail: `not looked at: the SSH server here forwards no connections (${answer.why})`,
        remedy: 'verify and failover-drill need AllowTcpForwarding yes in sshd_config',
      };
    case 'blocked':
      return {
        ...about,
        outcome: 'failed',
        detail: `${target} can't be reached: ${answer.why}`,
        remedy: `let ${from.host.address} through to TCP port ${replicationPort} in ${to.config.name}'s firewall and those between`,
      };
  }
}

type Answer =
  | { readonly kind: 'open' | 'refused' }
  | { readonly kind: 'forbidden' | 'blocked'; readonly why: string };

async function tryConnect(from: OpenNode, address: string, port: number): Promise<Answer> {
  const opening = from.host.connect(address, port);
  const late = Symbol('late');
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), WITHIN_MS);
  });
  try {
    const outcome: Duplex | typeof late = await Promise.race([opening, limit]);
    if (outcome !== late) {
      outcome.destroy();
      return { kind: 'open' };
    }
    // Should it open after all, nobody wants it any more.
    opening.then(
      (stream) => stream.destroy(),
      () => {},
    );
    return { kind: 'blocked', why: `no answer within ${WITHIN_MS / 1000} s` };
  } catch (error) {
    return classify(error);
  } finally {
    clearTimeout(timer);
  }
}

/** By the words of the whole chain of causes: sshd reports the far end's answer as text only. */
export function classify(error: unknown): Answer {
  const words: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) words.push(cause.message);
  const text = words.join('; ');
  if (/ECONNREFUSED|connection refused/i.test(text)) return { kind: 'refused' };
  const why = words.at(-1) ?? String(error);
  if (/prohibited|forwarding|disabled/i.test(text)) return { kind: 'forbidden', why };
  return { kind: 'blocked', why };
}
