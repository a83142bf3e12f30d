// What is measured. Keys are 12 bytes; connections are served in a closed loop (bench/load).

export interface Workload {
  readonly name: string;
  /** The servers' -t. */
  readonly threads: number;
  readonly connections: number;
  /** Requests sent together. */
  readonly pipeline: number;
  readonly keysPerGet: number;
  /** Of 100 requests so many are sets. */
  readonly setPercent: number;
  readonly keys: number;
  readonly valueBytes: number;
}

export const BASE: Omit<Workload, 'name'> = {
  threads: 1,
  connections: 50,
  pipeline: 1,
  keysPerGet: 1,
  setPercent: 0,
  keys: 100_000,
  valueBytes: 100,
};

const KINDS: Readonly<Record<string, Partial<Workload>>> = {
  get: {},
  set: { setPercent: 100 },
  'get 90 set 10': { setPercent: 10 },
  'get, pipeline 16': { pipeline: 16 },
  'set, pipeline 16': { pipeline: 16, setPercent: 100 },
  'get of 100 keys': { keysPerGet: 100 },
};

function workload(name: string, differences: Partial<Workload>): Workload {
  return { ...BASE, ...differences, name };
}

function main(): Workload[] {
  const oneThread = Object.entries(KINDS).map(([name, kind]) => workload(name, kind));
  const larger = [
    { title: '1 KB', valueBytes: 1000, keys: 100_000 },
    { title: '10 KB', valueBytes: 10_000, keys: 10_000 },
  ].flatMap(({ title, ...size }) =>
    ['get', 'set'].map((kind) => workload(`${kind}, ${title}`, { ...KINDS[kind], ...size })),
  );
  const twoThreads = Object.entries(KINDS).map(([name, kind]) =>
    workload(`${name}, -t 2`, { ...kind, threads: 2 }),
  );
  return [...oneThread, ...larger, ...twoThreads];
}

function scale(): Workload[] {
  const gets = KINDS.get;
  return [
    ...[1, 10, 200, 1000].map((connections) => workload(`get, ${connections} connections`, { connections })),
    ...[10, 100_000, 500_000].map((valueBytes) =>
      workload(`get, ${valueBytes} B`, {
        ...gets,
        valueBytes,
        keys: Math.min(BASE.keys, Math.floor(500_000_000 / valueBytes)),
      }),
    ),
    ...[1_000_000, 20_000_000].map((keys) =>
      workload(`get, pipeline 16, ${keys / 1e6} M keys of 20 B`, { pipeline: 16, keys, valueBytes: 20 }),
    ),
    ...[1, 2, 4].map((threads) => workload(`get, pipeline 16, -t ${threads}`, { pipeline: 16, threads })),
  ];
}

/** Suites of workloads; `memory` and `replication` have measurements of their own. */
export const SUITES = { main: main(), scale: scale(), memory: [], replication: [] } as const satisfies Record<
  string,
  readonly Workload[]
>;
export type SuiteName = keyof typeof SUITES;

/** What a server needs to hold all keys of a workload, with room to spare so that nothing is evicted. */
export function memoryMbFor({ keys, valueBytes }: Workload): number {
  const ITEM_OVERHEAD_BYTES = 128;
  return Math.max(256, Math.ceil((2 * keys * (valueBytes + ITEM_OVERHEAD_BYTES)) / 2 ** 20));
}
