// What `verify` found, ready for JSON; `verifyPair` in verify.ts makes it and report/verify-text.ts prints it.
import type { CheckResult } from '../check-result.js';
import type { NodeName } from '../types.js';

export interface VerifyOptions {
  /** Ends the run early; what it wrote is removed first. */
  signal?: AbortSignal;
  /** How long a write may take to show on the peer before its check fails. Default 5000. */
  visibleWithinMs?: number;
  /** Writes in the lag measurement of one direction. Default 200. */
  lagSamples?: number;
  /** Keys written in one go by the check of many keys. Default 500. */
  manyKeys?: number;
  /** The nodes' clocks may differ by this much. Default 1500: from there on the engine has to correct expiry times. */
  maxClockOffsetMs?: number;
  /** Called as each check ends. */
  onCheck?: (section: string, result: CheckResult) => void;
}

/** Milliseconds from a write's acknowledgement on one node until a poll of the other showed it. */
export interface LagSummary {
  samples: number;
  minMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Median round trip of one poll, which every figure above includes. */
  pollMs: number;
}

export interface DirectionReport {
  from: NodeName;
  to: NodeName;
  checks: CheckResult[];
  /** Absent when the direction was not measured. */
  lag?: LagSummary;
}

export interface VerifyReport {
  /** No check failed. What is skipped for want of something is so because that something failed. */
  ok: boolean;
  /** Where the clients of each node find it, `host:port`. */
  nodes: Record<NodeName, string>;
  startedAt: string;
  ms: number;
  /** Each node answers, and the link between them is up. When one of these fails, the directions are empty. */
  preflight: CheckResult[];
  directions: DirectionReport[];
  /** Both nodes compared once everything was written: digest, replication state, clocks, nothing left behind. */
  agreement: CheckResult[];
}
