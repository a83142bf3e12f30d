// What the resident memory of a process consists of, by the mappings that the kernel tells of (/proc/PID/smaps).
import { readFileSync } from 'node:fs';

/** Bytes. */
export interface ResidentParts {
  /** Memory for which huge pages were asked: of the engine its store, with its index; of memcached nothing. */
  readonly store: number;
  /** All else that a process has to itself, code apart: heaps, stacks, what compilers work with. */
  readonly heap: number;
  /** Machine code that was made while it ran. */
  readonly compiled: number;
  /** What was read of the executable and its libraries; clean pages of these are the page cache's and shared. */
  readonly files: number;
}

const MAPPING = /^[\da-f]+-[\da-f]+ ..(.). \S+ \S+ \d+ *(.*)$/;
const RESIDENT = /^Rss: +(\d+) kB$/;
/** The last line of a mapping. */
const FLAGS = /^VmFlags:(.*)$/;

export function residentParts(pid: number): ResidentParts {
  return partsOf(readFileSync(`/proc/${pid}/smaps`, 'latin1'));
}

export function partsOf(smaps: string): ResidentParts {
  const parts = { store: 0, heap: 0, compiled: 0, files: 0 };
  let isCode = false;
  let path = '';
  let bytes = 0;
  for (const line of smaps.split('\n')) {
    const mapping = MAPPING.exec(line);
    if (mapping !== null) {
      isCode = mapping[1] === 'x';
      path = mapping[2];
      continue;
    }
    const resident = RESIDENT.exec(line);
    if (resident !== null) bytes = Number(resident[1]) * 1024;
    const flags = FLAGS.exec(line)?.[1].split(' ');
    if (flags === undefined) continue;
    if (flags.includes('hg')) parts.store += bytes;
    else if (path.startsWith('/')) parts.files += bytes;
    else if (isCode) parts.compiled += bytes;
    else parts.heap += bytes;
  }
  return parts;
}

export function sumOf({ store, heap, compiled, files }: ResidentParts): number {
  return store + heap + compiled + files;
}
