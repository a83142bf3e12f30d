// A store that insists on its lock: what a session does without holding it, two threads could do at the same time.
import type { Store } from '../../../src/engine/store/store.js';

/**
 * What needs no lock: the lock itself, this thread's time and scratch, what never changes, and the key and value of a
 * slot that is reserved and so nobody else's, what only guesses, and flags that are one word.
 */
const FREE_FOR_ALL: ReadonlySet<string | symbol> = new Set<keyof Store>([
  'lock',
  'unlock',
  'yieldLock',
  'isLocked',
  'setNow',
  'nowMs',
  'nowSec',
  'keyLength',
  'copyKey',
  'writeValue',
  'likelyItem',
  'warm',
  'number',
  'reserveError',
  'storedUniqueHi',
  'storedUniqueLo',
  'storedLength',
  'itemSizeMaxBytes',
  'memoryLimitBytes',
  'evictions',
  'refusesWrites',
  'noteSync',
]);

/** The same store, whose members throw when they are used without the lock. */
export function guardedStore(store: Store): Store {
  const methods = new Map<string | symbol, unknown>();
  return new Proxy(store, {
    get(target, name) {
      const known = methods.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      const isFree = FREE_FOR_ALL.has(name);
      if (typeof value !== 'function') {
        if (!isFree && !target.isLocked) throw new Error(`store.${String(name)} is read without the lock`);
        return value;
      }
      const method = (...args: unknown[]): unknown => {
        if (!isFree && !target.isLocked)
          throw new Error(`store.${String(name)}() is called without the lock`);
        return value.apply(target, args);
      };
      methods.set(name, method);
      return method;
    },
  });
}
