// Slab class ids in command lines: from 1 to 63, whatever of them is in use.

export const SLAB_ID_MIN = 1;
export const SLAB_ID_MAX = 63;

/** `1,3,10` as ids, `all` and `hash` as undefined; null when it is neither. */
export function parseSlabIds(text: string): ReadonlySet<number> | undefined | null {
  if (text === 'all' || text === 'hash') return undefined;
  const ids = text.split(',').filter((part) => part !== '');
  if (ids.some((id) => !/^\d{1,2}$/.test(id) || Number(id) < SLAB_ID_MIN || Number(id) > SLAB_ID_MAX))
    return null;
  return new Set(ids.map(Number));
}
