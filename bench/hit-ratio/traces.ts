// The traces: what clients of a cache ask for, generated from a seed.
import { SeededRandom, sizeOfKey, Zipf } from './random.js';

/** One request. A read that misses is followed by a write of the same key, as clients do. */
export interface Request {
  readonly kind: 'read' | 'write' | 'touch';
  readonly key: string;
  readonly valueBytes: number;
  /** 0 = for ever. */
  readonly ttlSec: number;
  /** A read of something that was first written a short while ago and has not ended: to miss it is a loss. */
  readonly isFresh: boolean;
}

export interface Trace {
  readonly name: string;
  /** What clients ask for; another seed gives other requests of the same kind. */
  readonly requests: (seed: number) => Iterable<Request>;
  readonly count: number;
}

/** The figures of eviction were chosen by what they did with the first of these; the second was held out. */
export const SEEDS: Readonly<Record<string, number>> = { tuned: 0, 'held out': 1000 };

const COUNT = 400_000;
const POPULAR_KEYS = 400_000;
const SKEW = 0.9;

function read(key: string, valueBytes: number): Request {
  return { kind: 'read', key, valueBytes, ttlSec: 0, isFresh: false };
}

function popular(zipf: Zipf, random: SeededRandom): Request {
  const rank = zipf.draw(random);
  return read(`popular:${rank}`, sizeOfKey(rank, 100, 1500));
}

/** A few keys are asked for often, most seldom. */
function* zipfRequests(seed: number): Iterable<Request> {
  const random = new SeededRandom(seed + 1);
  const zipf = new Zipf(POPULAR_KEYS, SKEW);
  for (let at = 0; at < COUNT; at++) yield popular(zipf, random);
}

/** Every second request is for a key that nobody asks for again. */
function* oneHitRequests(seed: number): Iterable<Request> {
  const random = new SeededRandom(seed + 2);
  const zipf = new Zipf(POPULAR_KEYS, SKEW);
  for (let at = 0; at < COUNT; at++) {
    yield at % 2 === 0 ? popular(zipf, random) : read(`once:${at}`, sizeOfKey(at, 100, 1500));
  }
}

/** Now and then somebody reads a whole table from end to end, more than memory holds. */
function* scanRequests(seed: number): Iterable<Request> {
  const random = new SeededRandom(seed + 3);
  const zipf = new Zipf(POPULAR_KEYS, SKEW);
  const scanEvery = 100_000;
  const scanLength = 50_000;
  for (let at = 0; at < COUNT; at++) {
    const inRound = at % scanEvery;
    yield inRound < scanLength
      ? read(`row:${inRound}`, sizeOfKey(inRound, 100, 1500))
      : popular(zipf, random);
  }
}

/** Small values at first; from the middle on mostly large ones. */
function* shiftRequests(seed: number): Iterable<Request> {
  const random = new SeededRandom(seed + 4);
  const zipf = new Zipf(POPULAR_KEYS, SKEW);
  for (let at = 0; at < COUNT; at++) {
    const request = popular(zipf, random);
    if (at < COUNT / 3 || random.below(4) === 0) yield request;
    else yield read(`large:${request.key}`, request.valueBytes * 8);
  }
}

const ACTIVE_SESSIONS = 2500;
/** A session has so many requests on average before its user leaves. */
const SESSION_REQUESTS = 12;
const SESSION_TTL_SEC = 1440;
/** How many requests later a session still counts as fresh. */
const FRESH_REQUESTS = 5000;

interface Session {
  readonly name: string;
  readonly bornAt: number;
  readonly valueBytes: number;
}

/**
 * Logins write a session; its requests read it, and write or touch it; most users just go, and what they leave stays
 * until it expires or has to make room. In between come fragments of pages, which live for seconds.
 */
function* sessionRequests(seed: number): Iterable<Request> {
  const random = new SeededRandom(seed + 5);
  const sessions: Session[] = [];
  for (let at = 0; at < COUNT; at++) {
    if (random.below(3) === 0) {
      const fragment = random.below(2) === 0 ? at : at - random.below(2500);
      yield { ...read(`fragment:${fragment}`, sizeOfKey(fragment, 300, 3000)), ttlSec: 2 };
      continue;
    }
    const place = random.below(ACTIVE_SESSIONS);
    const session = sessions[place];
    if (session === undefined || random.below(SESSION_REQUESTS) === 0) {
      sessions[place] = { name: `session:${at}`, bornAt: at, valueBytes: sizeOfKey(at, 400, 4000) };
      yield write(sessions[place]);
    } else {
      const what = random.below(10);
      if (what < 2) yield write(session);
      else if (what < 4) yield { ...write(session), kind: 'touch' };
      else yield { ...write(session), kind: 'read', isFresh: at - session.bornAt < FRESH_REQUESTS };
    }
  }
}

function write({ name, valueBytes }: Session): Request {
  return { kind: 'write', key: name, valueBytes, ttlSec: SESSION_TTL_SEC, isFresh: false };
}

export const TRACES: readonly Trace[] = [
  { name: 'zipf', requests: zipfRequests, count: COUNT },
  { name: 'one-hit wonders', requests: oneHitRequests, count: COUNT },
  { name: 'scans', requests: scanRequests, count: COUNT },
  { name: 'shift of sizes', requests: shiftRequests, count: COUNT },
  { name: 'sessions', requests: sessionRequests, count: COUNT },
];
