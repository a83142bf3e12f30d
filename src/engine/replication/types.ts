// What the replication core and the program around it say to each other: events in, effects out.

import type { Store } from '../store/store.js';
import type { RingChangeLog } from './change-log.js';
import type { HybridClock } from './clock.js';
import type { Role } from './handshake.js';
import type { SyncKind } from './have.js';

/** Names one connection between the two nodes. The server chooses the numbers and never uses one twice. */
export type LinkId = number;

/**
 * Why a dial failed. `refused` means that the host is there and nobody listens, so there is no peer to wait
 * for; anything else leaves it open whether a peer exists.
 */
export type DialFailure = 'refused' | 'failed';

/** `notTls`: the other end does not speak it. Any other text is the reason in the words of the TLS library. */
export type TlsFailure = { readonly kind: 'notTls' } | { readonly kind: 'failed'; readonly reason: string };

/** What happened outside. */
export type ReplicationEvent =
  /** The program is up and listening. Once, before any other. */
  | { readonly kind: 'start' }
  /** Time passed. Every 50 ms to 100 ms; all deadlines are looked at here. */
  | { readonly kind: 'tick' }
  /**
   * Local clients may have written. Once after each batch of client input while {@link ReplicationMachine.hasOutgoing}
   * is true; cheap otherwise.
   */
  | { readonly kind: 'pump' }
  /**
   * Somebody connected to the replication port. `address` (`host:port`) is for log lines only. `isFromPeer`: from an
   * address that `-x` stands for. That proves nothing, and behind NAT the peer itself comes from another one.
   */
  | {
      readonly kind: 'accepted';
      readonly link: LinkId;
      readonly address: string;
      readonly isFromPeer: boolean;
    }
  /** The dial asked for by the `dial` effect is connected. */
  | { readonly kind: 'dialed'; readonly link: LinkId; readonly address: string }
  /** The dial asked for by the `dial` effect came to nothing. */
  | { readonly kind: 'dialFailed'; readonly failure: DialFailure }
  /**
   * The TLS handshake of this link is done; before its first `received`. The binding is 32 bytes that both ends of
   * this TLS session know, and nobody else.
   */
  | { readonly kind: 'secured'; readonly link: LinkId; readonly channelBinding: Uint8Array }
  /** TLS with the other end failed, and why; its `closed` follows. */
  | { readonly kind: 'unsecured'; readonly link: LinkId; readonly failure: TlsFailure }
  /** The secrets were read again: links stand, and the next one is proven with these. */
  | { readonly kind: 'secretsChanged'; readonly secrets: readonly MessageAuthenticator[] }
  /** Bytes came in. They are read during the step only, so the caller may reuse the memory. */
  | { readonly kind: 'received'; readonly link: LinkId; readonly bytes: Uint8Array }
  /** Every byte of the last `send` for this link has been taken by the kernel. Owed after each `send`. */
  | { readonly kind: 'writable'; readonly link: LinkId }
  /** The connection is gone, for any reason but a `close` effect (that one needs no answer, and may have one). */
  | { readonly kind: 'closed'; readonly link: LinkId }
  /** Wind up: hand the peer what it lacks, for a bounded time, then `stopped`. Local writes have ended. */
  | { readonly kind: 'stop' };

/** What the program is to do now, in order. */
export type ReplicationEffect =
  /** Connect to the peer (`-x`), giving up by itself after {@link DIAL_TIMEOUT_MS}. Never two at a time. */
  | { readonly kind: 'dial' }
  /**
   * Write these bytes. At most one `send` per link is outstanding: the next comes only after `writable`. Until
   * then `bytes` stays untouched, so that it need not be copied; after it, its memory is used again.
   */
  | { readonly kind: 'send'; readonly link: LinkId; readonly bytes: Uint8Array }
  /**
   * Close the connection. If a `send` for it precedes this effect in the same list, write that first, as far as
   * the kernel takes it without waiting. Any later event for this link is ignored.
   */
  | { readonly kind: 'close'; readonly link: LinkId }
  /** There is more to do that waits for nothing: step with `pump` in the next turn of the event loop. */
  | { readonly kind: 'continue' }
  /** One line for the operator, without the program's name and without a line end. */
  | { readonly kind: 'log'; readonly line: string }
  /** Open the client port. Once. */
  | { readonly kind: 'ready' }
  /** The answer to `stop`. Once; every link has been closed. */
  | { readonly kind: 'stopped' };

/** How long the program lets one connection attempt run, in ms. */
export const DIAL_TIMEOUT_MS = 2_000;

/** Computes HMAC-SHA256 with one of the pair's secrets (32 bytes out). */
export type MessageAuthenticator = (message: Uint8Array) => Uint8Array;

export interface ReplicatorOptions {
  /** The node's memory. Built with the same `changeLog` and `clock`. */
  readonly store: Store;
  readonly changeLog: RingChangeLog;
  readonly clock: HybridClock;
  /** 8 random bytes, new at each start of the process. */
  readonly nodeId: Uint8Array;
  /** Whether there is a peer to dial (`-x`); without, the node only listens. */
  readonly dials: boolean;
  /** `--repl-pair`: both nodes must name the same one; '' if none is given. At most 64 bytes of UTF-8. */
  readonly pairId: string;
  /** Those accepted from the start, the current one first; empty if there is no secret. At most {@link SECRETS_MAX}. */
  readonly secrets: readonly MessageAuthenticator[];
  /** Fresh unpredictable bytes, for nonces. */
  readonly randomBytes: (sizeBytes: number) => Uint8Array;
  /** In [0, 1), for the jitter of the back-off. */
  readonly random: () => number;
  /** `--repl-sync-rate`: how much of a full copy or a digest sync may go out in a second. Default: no limit. */
  readonly syncBytesPerSec?: number;
  /** `--repl-ready-timeout`, in ms. Extended while a copy makes progress. Default 10,000. */
  readonly readyTimeoutMs?: number;
  /** How long `stop` may go on handing over, in ms. Default 2,000. */
  readonly stopTimeoutMs?: number;
  /** The largest value the store takes, in bytes (-I); bounds what a frame may hold. */
  readonly maxValueBytes: number;
}

/** `own`: ours, between two nodes of ours; `legacy`: that of the C program repcached. */
export type ReplicationProtocol = 'own' | 'legacy';

/**
 * - `alone`: no peer, and none being spoken to.
 * - `connecting`: dialling, or proving who is who.
 * - `syncing`: linked, and what one of the two lacks, or both, is on its way.
 * - `synced`: linked, and both hold the same; changes flow as they are made.
 */
export type ReplicationState = 'alone' | 'connecting' | 'syncing' | 'synced';

/** What only a link between two nodes of ours can tell. */
export interface LinkStats {
  /** Which of the two dialled the link that stands. */
  readonly repl_link_role: Role | 'none';
  /** Links that came up after the first. */
  readonly repl_reconnects: number;
  readonly repl_bytes_sent: number;
  readonly repl_bytes_received: number;
  /**
   * Entries of the peer's for a key that was changed here as well, before the peer had said that it has our change:
   * ours stayed, or gave way.
   */
  readonly repl_conflicts_won: number;
  readonly repl_conflicts_lost: number;
  /** Entries that the change log holds, and how many of the newest have not been sent. */
  readonly repl_log_capacity: number;
  readonly repl_log_unsent: number;
  /** 1 while something was lost before the peer had it, and the peer's items have not been compared since. */
  readonly repl_losses_pending: 0 | 1;
  readonly repl_partial_syncs_sent: number;
  readonly repl_partial_syncs_received: number;
  readonly repl_digest_syncs_sent: number;
  readonly repl_digest_syncs_received: number;
  /** Of the two directions, the one that had more to do. */
  readonly repl_last_sync_kind: SyncKind | 'none';
  readonly repl_last_sync_bytes: number;
  /** From a change here to its acknowledgement, over the last seconds; and how long the oldest one waits now. */
  readonly repl_lag_p50_ms: number;
  readonly repl_lag_p99_ms: number;
  readonly repl_lag_oldest_ms: number;
}

/** For a node whose protocol knows nothing of all that. */
export const NO_LINK_STATS: LinkStats = {
  repl_link_role: 'none',
  repl_reconnects: 0,
  repl_bytes_sent: 0,
  repl_bytes_received: 0,
  repl_conflicts_won: 0,
  repl_conflicts_lost: 0,
  repl_log_capacity: 0,
  repl_log_unsent: 0,
  repl_losses_pending: 0,
  repl_partial_syncs_sent: 0,
  repl_partial_syncs_received: 0,
  repl_digest_syncs_sent: 0,
  repl_digest_syncs_received: 0,
  repl_last_sync_kind: 'none',
  repl_last_sync_bytes: 0,
  repl_lag_p50_ms: 0,
  repl_lag_p99_ms: 0,
  repl_lag_oldest_ms: 0,
};

/** `stats replication`, in order of appearance; the server prefixes nothing and adds nothing. */
export interface ReplicationStats extends LinkStats {
  /** What is spoken on the link (`--repl-protocol`). */
  readonly repl_protocol: ReplicationProtocol;
  readonly repl_state: ReplicationState;
  /** `host:port` as the link was accepted or dialled; empty while there is none. */
  readonly repl_peer: string;
  /** 16 hex digits. */
  readonly repl_node_id: string;
  readonly repl_node_bit: 0 | 1;
  readonly repl_link_uptime_sec: number;
  /** Sequence number of the newest entry of the change log. */
  readonly repl_log_seq: number;
  /** Up to which entry of the change log the peer has what it says. */
  readonly repl_acked_seq: number;
  readonly repl_unacked: number;
  /** Items, deletes and flushes that came in, and what became of them: received = applied + ignored. */
  readonly repl_received: number;
  readonly repl_applied: number;
  readonly repl_ignored: number;
  /** Of the ignored, copies apart: the key had been changed here as well, and the version here was the higher. */
  readonly repl_conflicts: number;
  readonly repl_tombstones: number;
  readonly repl_full_copies_sent: number;
  readonly repl_full_copies_received: number;
  readonly repl_last_sync_items: number;
  readonly repl_last_sync_ms: number;
  /** The peer's clock minus ours. */
  readonly repl_clock_offset_ms: number;
  /** How many secrets are accepted: 2 while the secret is being changed. */
  readonly repl_secrets: number;
  /** 1 while there is a link and it is in TLS. */
  readonly repl_tls: 0 | 1;
  /** Writes that the peer can't be told of: it takes no item so large, or, a legacy one, no such key. */
  readonly repl_unsendable: number;
  /** 1 once `ready` has been said. */
  readonly repl_serving: 0 | 1;
}

/**
 * The replication core as the program sees it: `Replicator` between two nodes of ours, `LegacyReplicator` with one
 * that runs the C program repcached.
 *
 * Nothing inside reads a clock. `nowMs` is Unix time in ms that never goes back and does not jump when the host's
 * clock is set: the wall clock as it was when the process started plus the monotonic time since then
 * (`performance.timeOrigin + performance.now()`), the same that `store.setNow` is given.
 */
export interface ReplicationMachine {
  /** Takes one event. The list is reused by the next call: act on it before stepping again. Never throws. */
  step(event: ReplicationEvent, nowMs: number): readonly ReplicationEffect[];
  /** Whether a `pump` now would produce bytes or work. Costs a few loads: ask after every batch. */
  readonly hasOutgoing: boolean;
  /** Whether the peer has been told everything, and what is written next could be sent at once. */
  readonly awaitsChanges: boolean;
  /** Whether there is a peer that holds what this node holds: state `synced`. */
  readonly isInSync: boolean;
  /** Up to which entry of the change log the peer has what it says, or what replaced it. Never goes back. */
  readonly ackedSeq: number;
  stats(nowMs: number): ReplicationStats;
}
