// Who is there? The greeting both nodes send, and the proof that each knows the pair's secret.

import { MAX_FORWARD_DRIFT_MS } from './clock.js';
import { FRAME, FRAME_HEADER_BYTES, readF64, readU32, writeF64, writeU32 } from './frames.js';
import type { Refusal } from './refusals.js';
import type { MessageAuthenticator } from './types.js';

/**
 * Both ends send `hello` at once. The dialler then proves the secret; only when that proof holds does the acceptor
 * prove it too, so a stranger who connects gets nothing that was computed with the secret. A proof is the HMAC of
 * the prover's role and of both greetings, each with a fresh nonce: it can be neither replayed nor reflected, and
 * nothing in the greetings can have been changed on the way. In TLS it covers what only the two ends of that very
 * TLS session know, so that nobody can sit in the middle, whatever certificates they got hold of.
 *
 * While the secret is being changed a node accepts two. The dialler proves every one it has, the acceptor those that
 * it was shown; one in common is enough, so it does not matter on which host the change comes first.
 */
const MAGIC = 0x50435052;
export const PROTOCOL_VERSION = 2;

export const NODE_ID_BYTES = 8;
export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;
/** The secret, and the one before it. */
export const SECRETS_MAX = 2;
export const MAX_PAIR_ID_BYTES = 64;

/** magic u32, protocol version u16, has-secret u8, pair id length u8, node id, nonce, nowMs f64, clockMs f64, maxItemBytes u32. */
const FIXED_BYTES = 8 + NODE_ID_BYTES + NONCE_BYTES + 16 + 4;
const AT_NODE_ID = 8;
const AT_NONCE = AT_NODE_ID + NODE_ID_BYTES;
const AT_NOW = AT_NONCE + NONCE_BYTES;
const AT_CLOCK = AT_NOW + 8;
const AT_MAX_ITEM = AT_CLOCK + 8;

export interface Hello {
  readonly nodeId: Uint8Array;
  readonly pairId: string;
  readonly hasSecret: boolean;
  readonly nonce: Uint8Array;
  /** The sender's time. */
  readonly nowMs: number;
  /** The time part of the greatest version the sender knows: ahead of `nowMs` if its clock once was. */
  readonly clockMs: number;
  /** How large an item it takes, counted as -I is. */
  readonly maxItemBytes: number;
}

export type Role = 'dialer' | 'acceptor';

export function encodeHello(hello: Hello): Uint8Array {
  const pairId = new TextEncoder().encode(hello.pairId);
  if (pairId.length > MAX_PAIR_ID_BYTES) throw new RangeError(`pair id over ${MAX_PAIR_ID_BYTES} bytes`);
  const bytes = new Uint8Array(FIXED_BYTES + pairId.length);
  writeU32(bytes, 0, MAGIC);
  bytes[4] = PROTOCOL_VERSION;
  bytes[5] = PROTOCOL_VERSION >>> 8;
  bytes[6] = hello.hasSecret ? 1 : 0;
  bytes[7] = pairId.length;
  bytes.set(hello.nodeId, AT_NODE_ID);
  bytes.set(hello.nonce, AT_NONCE);
  writeF64(bytes, AT_NOW, hello.nowMs);
  writeF64(bytes, AT_CLOCK, hello.clockMs);
  writeU32(bytes, AT_MAX_ITEM, hello.maxItemBytes);
  bytes.set(pairId, FIXED_BYTES);
  return bytes;
}

/** Whether what somebody says first is a greeting of ours, in whatever version; undefined while that is not clear. */
export function opensWithHello(bytes: Uint8Array): boolean | undefined {
  // No greeting is 256 bytes long, and no text has a zero there.
  if (bytes.length > 1 && bytes[1] !== 0) return false;
  if (bytes.length < FRAME_HEADER_BYTES + 4) return undefined;
  return bytes[FRAME_HEADER_BYTES - 1] === FRAME.hello && readU32(bytes, FRAME_HEADER_BYTES) === MAGIC;
}

/** Reads a greeting, or says why it is none that can be answered. */
export function decodeHello(payload: Uint8Array): Hello | Refusal {
  if (payload.length < 6 || readU32(payload, 0) !== MAGIC) return 'notRepcached';
  // The version comes before everything that a later version may lay out differently.
  if ((payload[4] | (payload[5] << 8)) !== PROTOCOL_VERSION) return 'otherVersion';
  if (payload.length < FIXED_BYTES || payload.length !== FIXED_BYTES + payload[7]) return 'notRepcached';
  const nowMs = readF64(payload, AT_NOW);
  const clockMs = readF64(payload, AT_CLOCK);
  if (!Number.isFinite(nowMs) || !Number.isFinite(clockMs)) return 'notRepcached';
  return {
    nodeId: payload.slice(AT_NODE_ID, AT_NONCE),
    nonce: payload.slice(AT_NONCE, AT_NOW),
    hasSecret: payload[6] === 1,
    pairId: new TextDecoder().decode(payload.subarray(FIXED_BYTES)),
    nowMs,
    clockMs,
    maxItemBytes: readU32(payload, AT_MAX_ITEM),
  };
}

/** Whether the two may become a pair, the secret's proof apart. */
export function judgeHello(own: Hello, peer: Hello, nowMs: number): Refusal | null {
  if (bytesEqual(own.nodeId, peer.nodeId)) return 'oneself';
  if (own.pairId !== peer.pairId) return 'otherPair';
  if (own.hasSecret && !peer.hasSecret) return 'noSecretThere';
  if (!own.hasSecret && peer.hasSecret) return 'noSecretHere';
  if (Math.abs(peer.nowMs - nowMs) > MAX_FORWARD_DRIFT_MS) return 'clockTooFar';
  if (peer.clockMs > nowMs + MAX_FORWARD_DRIFT_MS) return 'clockTooFar';
  return null;
}

/** What is proven on one link: the greetings as they travelled, and the TLS session (null in the clear). */
export interface Transcript {
  readonly dialerHello: Uint8Array;
  readonly acceptorHello: Uint8Array;
  readonly channelBinding: Uint8Array | null;
}

/** The prover's proofs, one for each secret, one after the other; empty where there is none. */
export function makeProofs(
  secrets: readonly MessageAuthenticator[],
  prover: Role,
  transcript: Transcript,
): Uint8Array {
  const message = proofMessage(prover, transcript);
  const proofs = new Uint8Array(secrets.length * PROOF_BYTES);
  for (let i = 0; i < secrets.length; i++) proofs.set(secrets[i](message), i * PROOF_BYTES);
  return proofs;
}

/**
 * Which of our secrets the prover has shown to know; null if that is not enough. Everything is computed and compared,
 * whatever matches: how long it takes tells nothing.
 */
export function provenSecrets(
  secrets: readonly MessageAuthenticator[],
  prover: Role,
  transcript: Transcript,
  proofs: Uint8Array,
): readonly MessageAuthenticator[] | null {
  if (proofs.length % PROOF_BYTES !== 0 || proofs.length > SECRETS_MAX * PROOF_BYTES) return null;
  if (secrets.length === 0) return proofs.length === 0 ? secrets : null;
  const message = proofMessage(prover, transcript);
  const proven = secrets.filter((secret) => {
    const expected = secret(message);
    let matches = false;
    for (let at = 0; at < proofs.length; at += PROOF_BYTES) {
      if (bytesEqual(proofs.subarray(at, at + PROOF_BYTES), expected)) matches = true;
    }
    return matches;
  });
  return proven.length === 0 ? null : proven;
}

function proofMessage(prover: Role, { dialerHello, acceptorHello, channelBinding }: Transcript): Uint8Array {
  const channel = channelBinding === null ? 'in the clear' : `in TLS ${hex(channelBinding)}`;
  const label = new TextEncoder().encode(`repcached ${prover} proof ${channel}\n`);
  const message = new Uint8Array(label.length + dialerHello.length + 4 + acceptorHello.length);
  message.set(label, 0);
  // The length keeps the border between the two greetings where it is.
  writeU32(message, label.length, dialerHello.length);
  message.set(dialerHello, label.length + 4);
  message.set(acceptorHello, label.length + 4 + dialerHello.length);
  return message;
}

/** Compares in a time that does not depend on where the two differ. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** Orders node ids: the lower one's link stays, and takes node bit 0 if both would have the same. */
export function compareNodeIds(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < NODE_ID_BYTES; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}

/** The bit a node starts with, from its random id. */
export function initialNodeBit(nodeId: Uint8Array): 0 | 1 {
  return (nodeId[NODE_ID_BYTES - 1] & 1) === 0 ? 0 : 1;
}

/** The bit a node has beside this peer: its own, unless both have the same; then the lower id takes 0. */
export function nodeBitBeside(own: Uint8Array, peer: Uint8Array): 0 | 1 {
  const bit = initialNodeBit(own);
  if (bit !== initialNodeBit(peer)) return bit;
  return compareNodeIds(own, peer) < 0 ? 0 : 1;
}

export function nodeIdHex(nodeId: Uint8Array): string {
  return hex(nodeId);
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
