// What `failover-drill` measured, ready for JSON; `runDrill` in drill.ts makes it, report/drill-text.ts prints it.
import type { CheckResult } from '../check-result.js';
import type { NodeName } from '../types.js';

export interface DrillOptions {
  /** Ends the drill at any moment; the node is brought back and the drill's keys are removed first. */
  signal?: AbortSignal;
  /** Which nodes are killed, in this order. Default b, then a. */
  victims?: readonly NodeName[];
  /** Keys written through each node before the kill and seen on both. Default 500. */
  baselineKeys?: number;
  /** Client connections of the load; half of them prefer each node. Default 4. */
  connections?: number;
  /** Writes a second, over all connections. Default 200. */
  writesPerSec?: number;
  /** Load before the kill. Default 2. */
  loadBeforeSec?: number;
  /** How long the node is left dead, under load. Default 3. */
  downSec?: number;
  /** Load after the resync, with clients back on both nodes. Default 1. */
  loadAfterSec?: number;
  /** The host itself restarts the node after this, if the drill does not. Default 120. */
  restoreAfterSec?: number;
  /** The node must be back and in sync within this. Default 60. */
  resyncWithinSec?: number;
  /** More acknowledged writes lost than this fail the drill. Default: they are reported, not judged. */
  maxLost?: number;
  onProgress?: (event: DrillProgress) => void;
}

export interface DrillProgress {
  victim: NodeName;
  /** Milliseconds since the round began. */
  atMs: number;
  what: string;
}

export interface TimelineEvent {
  /** Milliseconds since the round began. */
  atMs: number;
  what: string;
}

/** A write that a client was told is stored, and that the survivor did not have. */
export interface LostWrite {
  key: string;
  kind: 'set' | 'delete';
  /** How long before the kill it was acknowledged. */
  beforeKillMs: number;
}

export interface DrillRound {
  victim: NodeName;
  survivor: NodeName;
  ok: boolean;
  checks: CheckResult[];
  /** Writes acknowledged to clients, in all and by the killed node before it died. */
  ackedWrites: number;
  ackedByVictim: number;
  lost: LostWrite[];
  /** Age of the oldest lost write at the kill; absent when nothing was lost. */
  lossWindowMs?: number;
  clientErrors: number;
  /** The first few different ones, word for word. */
  errorSamples: string[];
  /** The longest time that one client went without an acknowledged write. */
  longestGapMs?: number;
  /** From the call that restarts the node until its client port answers. */
  portOpenMs?: number;
  /** From the call that restarts the node until both nodes say that they are in sync. */
  resyncMs?: number;
  timeline: TimelineEvent[];
}

export interface DrillReport {
  ok: boolean;
  /** Where the clients of each node find it, `host:port`. */
  nodes: Record<NodeName, string>;
  startedAt: string;
  ms: number;
  /** Each node answers and the link is up; when one fails nothing is killed. */
  preflight: CheckResult[];
  rounds: DrillRound[];
}
