// Several threads at work on one store without a server between: a program for the engine's own runtime.
//
//   bun store-hammer.ts <threads> <seconds> <memoryMb> <keys> <seed>
//
// Every value says its own length and checksum, each thread counts its own increments, and at the end the store must
// add up. Prints one line of JSON: what was done, and everything that was wrong.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { type SharedHandles, SharedMemory } from '../../../src/engine/store/shared-memory.js';
import { Store } from '../../../src/engine/store/store.js';
import {
  ARITH_OK,
  MODE_ADD,
  MODE_APPEND,
  MODE_CAS,
  MODE_SET,
  STORED,
  type StoreMode,
} from '../../../src/engine/store/store-types.js';
import { Random } from '../simulation/random.js';
import { isSound, makeValue } from './sound-value.js';

const COUNTERS = 8;
const VALUE_MAX_BYTES = 20_000;
const MIB = 1024 * 1024;

export interface HammerReport {
  operations: number;
  hits: number;
  stored: number;
  casStored: number;
  evictions: number;
  /** What was found wrong; empty if all is well. */
  faults: string[];
}

interface Setup {
  readonly handles: SharedHandles;
  readonly memoryBytes: number;
  readonly seconds: number;
  readonly keys: number;
  readonly seed: number;
  readonly thread: number;
}

interface ThreadResult {
  readonly operations: number;
  readonly hits: number;
  readonly stored: number;
  readonly casStored: number;
  readonly increments: readonly number[];
  readonly faults: readonly string[];
}

function openStore(memory: SharedMemory, memoryBytes: number): Store {
  return new Store({
    memory,
    memoryBytes,
    hashSeed: 7,
    initialBuckets: 16,
    clock: new HybridClock(0, memory),
  });
}

/** What one thread does, under the rules that a session keeps. */
class Hammer {
  readonly result = {
    operations: 0,
    hits: 0,
    stored: 0,
    casStored: 0,
    increments: new Array<number>(COUNTERS).fill(0),
    faults: [] as string[],
  };
  readonly #store: Store;
  readonly #keys: number;
  readonly #random: Random;
  readonly #scratch = Buffer.alloc(MIB);

  constructor(store: Store, keys: number, seed: number) {
    this.#store = store;
    this.#keys = keys;
    this.#random = new Random(seed);
  }

  step(): void {
    this.result.operations += 1;
    const key = Buffer.from(`key${this.#random.int(1, this.#keys)}`);
    const choice = this.#random.int(0, 99);
    if (choice < 45) this.#get(key);
    else if (choice < 70)
      this.#put(key, makeValue(this.#random, VALUE_MAX_BYTES), choice < 65 ? MODE_SET : MODE_ADD);
    else if (choice < 75) this.#locked(() => this.#store.remove(key, 0, key.length));
    else if (choice < 78) this.#put(key, makeValue(this.#random, 200), MODE_APPEND);
    else if (choice < 90) this.#increment();
    else this.#casIncrement();
  }

  #locked<T>(work: () => T): T {
    this.#store.lock();
    try {
      return work();
    } finally {
      this.#store.unlock();
    }
  }

  #get(key: Buffer): void {
    const store = this.#store;
    const length = this.#locked(() => {
      const ref = store.get(key, 0, key.length);
      if (ref === 0) return -1;
      const valueLength = store.valueLength(ref);
      store.copyValue(ref, 0, valueLength, this.#scratch, 0);
      return valueLength;
    });
    if (length < 0) return;
    this.result.hits += 1;
    if (!isSound(this.#scratch.subarray(0, length))) this.#fault(`${key}: ${length} bytes are not sound`);
  }

  /** Reserved under the lock, filled without it, committed under it. */
  #put(key: Buffer, value: Buffer, mode: StoreMode, uniqueHi = 0, uniqueLo = 0): boolean {
    const store = this.#store;
    const ref = this.#locked(() => store.reserve(key, 0, key.length, 0, 0, value.length));
    if (ref === 0) return false;
    const middle = value.length >>> 1;
    store.writeValue(ref, 0, value, 0, middle);
    store.writeValue(ref, middle, value, middle, value.length);
    const isStored = this.#locked(() => store.commit(ref, mode, uniqueHi, uniqueLo) === STORED);
    if (isStored) this.result.stored += 1;
    return isStored;
  }

  #increment(): void {
    const counter = this.#random.int(0, COUNTERS - 1);
    const key = Buffer.from(`counter${counter}`);
    const result = this.#locked(() => this.#store.arithmetic(key, 0, key.length, 0, 1, true));
    if (result === ARITH_OK) this.result.increments[counter] += 1;
  }

  /** Reads a number, and stores the next one if nobody else has done so meanwhile. */
  #casIncrement(): void {
    const store = this.#store;
    const key = Buffer.from('cas-counter');
    const seen = this.#locked(() => {
      const ref = store.get(key, 0, key.length);
      if (ref === 0) return undefined;
      const length = store.valueLength(ref);
      store.copyValue(ref, 0, length, this.#scratch, 0);
      return {
        number: Number(this.#scratch.toString('latin1', 0, length)),
        hi: store.versionHi(ref),
        lo: store.versionLo(ref),
      };
    });
    if (seen === undefined) return;
    const next = Buffer.from(String(seen.number + 1));
    if (this.#put(key, next, MODE_CAS, seen.hi, seen.lo)) this.result.casStored += 1;
  }

  #fault(text: string): void {
    if (this.result.faults.length < 10) this.result.faults.push(text);
  }
}

function work(setup: Setup): void {
  const store = openStore(new SharedMemory(setup.handles), setup.memoryBytes);
  const hammer = new Hammer(store, setup.keys, setup.seed + setup.thread);
  const endMs = Date.now() + setup.seconds * 1000;
  while (Date.now() < endMs) {
    store.setNow(Date.now());
    for (let step = 0; step < 1000; step++) hammer.step();
  }
  parentPort?.postMessage(hammer.result satisfies ThreadResult);
}

async function main(): Promise<void> {
  const [threads, seconds, memoryMb, keys, seed] = process.argv.slice(2).map(Number);
  const memory = new SharedMemory();
  const memoryBytes = memoryMb * MIB;
  const store = openStore(memory, memoryBytes);
  store.setNow(Date.now());
  for (let counter = 0; counter < COUNTERS; counter++) seedNumber(store, `counter${counter}`);
  seedNumber(store, 'cas-counter');
  const results = await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const setup: Setup = { handles: memory.handles, memoryBytes, seconds, keys, seed, thread };
      return run(setup);
    }),
  );
  console.log(JSON.stringify(judge(store, results)));
}

function run(setup: Setup): Promise<ThreadResult> {
  const worker = new Worker(Bun.main, { workerData: setup });
  return new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

function seedNumber(store: Store, name: string): void {
  const key = Buffer.from(name);
  // Longer than any number here will be: it is counted in place, and its slot is not worth more than another's.
  const value = Buffer.from('0'.padEnd(10));
  store.lock();
  const ref = store.reserve(key, 0, key.length, 0, 0, name === 'cas-counter' ? 1 : value.length);
  store.writeValue(ref, 0, value, 0, name === 'cas-counter' ? 1 : value.length);
  store.commit(ref, MODE_SET, 0, 0);
  store.unlock();
}

function judge(store: Store, results: readonly ThreadResult[]): HammerReport {
  const faults = results.flatMap((result) => result.faults);
  const sum = (of: (result: ThreadResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0);
  for (let counter = 0; counter < COUNTERS; counter++) {
    const counted = sum((result) => result.increments[counter]);
    const held = numberAt(store, `counter${counter}`);
    if (held !== undefined && held !== counted)
      faults.push(`counter${counter} is ${held}, counted ${counted}`);
  }
  const casCounted = sum((result) => result.casStored);
  const casHeld = numberAt(store, 'cas-counter');
  if (casHeld !== undefined && casHeld !== casCounted)
    faults.push(`cas-counter is ${casHeld}, not ${casCounted}`);
  faults.push(...accountFaults(store));
  return {
    operations: sum((result) => result.operations),
    hits: sum((result) => result.hits),
    stored: sum((result) => result.stored),
    casStored: sum((result) => result.casStored),
    evictions: store.counters.read('evictions'),
    faults,
  };
}

/** Undefined when it was evicted. */
function numberAt(store: Store, name: string): number | undefined {
  const key = Buffer.from(name);
  const ref = store.find(key, 0, key.length);
  if (ref === 0) return undefined;
  const text = Buffer.alloc(store.valueLength(ref));
  store.copyValue(ref, 0, text.length, text, 0);
  return Number(text.toString());
}

/** What a scan finds against what the counters say. */
function accountFaults(store: Store): string[] {
  const faults: string[] = [];
  let items = 0;
  for (let bucket = 0; bucket < store.bucketCount; bucket++) {
    for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      items += 1;
      const key = Buffer.alloc(store.keyLength(ref));
      store.copyKey(ref, key, 0);
      const value = Buffer.alloc(store.valueLength(ref));
      store.copyValue(ref, 0, value.length, value, 0);
      if (key.toString().startsWith('key') && !isSound(value)) faults.push(`${key} is not sound at the end`);
    }
  }
  const counted = store.counters.read('currItems');
  if (items !== counted) faults.push(`the index holds ${items} items, the counters say ${counted}`);
  return faults;
}

if (isMainThread) await main();
else work(workerData as Setup);
