// Medians and ratios over rounds.
import type { Measurement } from './load-program.js';

/** What one server's rounds of one workload come to. */
export interface Summary {
  readonly requestsPerSec: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly serverCpuUsPerRequest: number;
  /** Of the process that it replicates to. */
  readonly peerCpuUsPerRequest: number;
  /** Share of one processor, 0 to the number of threads. */
  readonly serverCpuShare: number;
  readonly loadCpuShare: number;
}

type Figure = keyof Summary;

const FIGURES: Readonly<Record<Figure, (measurement: Measurement) => number>> = {
  requestsPerSec: ({ requests, elapsedSec }) => requests / elapsedSec,
  p50Us: ({ p50Us }) => p50Us,
  p99Us: ({ p99Us }) => p99Us,
  p999Us: ({ p999Us }) => p999Us,
  serverCpuUsPerRequest: ({ requests, serverCpuSec }) => (serverCpuSec * 1e6) / requests,
  peerCpuUsPerRequest: ({ requests, peerCpuSec }) => (peerCpuSec * 1e6) / requests,
  serverCpuShare: ({ serverCpuSec, elapsedSec }) => serverCpuSec / elapsedSec,
  loadCpuShare: ({ loadCpuSec, elapsedSec }) => loadCpuSec / elapsedSec,
};

/** The median of each figure. */
export function summarize(rounds: readonly Measurement[]): Summary {
  return mapFigures((figure) => median(rounds.map(FIGURES[figure])));
}

/** The median of each round's ratio to the other server in the same round. */
export function ratios(rounds: readonly Measurement[], reference: readonly Measurement[]): Summary {
  return mapFigures((figure) =>
    median(rounds.map((round, at) => FIGURES[figure](round) / FIGURES[figure](reference[at]))),
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function mapFigures(value: (figure: Figure) => number): Summary {
  return Object.fromEntries(
    (Object.keys(FIGURES) as Figure[]).map((figure) => [figure, value(figure)]),
  ) as unknown as Summary;
}
