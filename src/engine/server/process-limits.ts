// -r and -k: what only the system's own calls can set for a running process. By FFI, and only when asked.
import { dlopen } from 'bun:ffi';
import { readFileSync } from 'node:fs';
import { EXIT, FatalError } from './exit.js';

const RLIMIT_CORE = 4;
const RLIMIT_MEMLOCK = 8;
const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const MCL_CURRENT = 1;
const MCL_FUTURE = 2;
/** Pages are locked as they are touched: the store reserves far more address space than it will ever use. */
const MCL_ONFAULT = 4;

function libc() {
  return dlopen('libc.so.6', {
    setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
    mlockall: { args: ['i32'], returns: 'i32' },
  }).symbols;
}

/** -r: raises the limit of core files to its hard limit. @throws FatalError (status 71) when that is 0 */
export function raiseCoreLimit(): void {
  const hard = /^Max core file size\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const limit = hard === 'unlimited' ? UNLIMITED : BigInt(hard ?? 0);
  if (limit === 0n || libc().setrlimit(RLIMIT_CORE, new BigUint64Array([limit, limit])) !== 0) {
    throw new FatalError(
      "-r: the hard limit of core files is 0, raise it: LimitCORE=infinity in the unit, or root's ulimit -Hc",
      EXIT.osError,
    );
  }
}

/** -k, while still root: lets the process lock what it likes. Where root may not do that, `lockMemory` tells. */
export function allowLockedMemory(): void {
  libc().setrlimit(RLIMIT_MEMLOCK, new BigUint64Array([UNLIMITED, UNLIMITED]));
}

/**
 * -k, as the user that the process runs as: keeps what it touches from being swapped.
 * @throws FatalError (status 71) when it may not lock all it has reserved, which is more than it will ever use
 */
export function lockMemory(): void {
  if (libc().mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) === 0) return;
  throw new FatalError(
    '-k: this user may not lock memory without limit; set LimitMEMLOCK=infinity in the unit, or turn swap off instead',
    EXIT.osError,
  );
}
