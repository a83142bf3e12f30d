// Values that say whose they are: a value is its key in brackets, over and over, so a byte of another item shows.

/** The tag of a key, `times` over. */
export function taggedValue(key: string, times: number): Buffer {
  return Buffer.from(`<${key}>`.repeat(times), 'latin1');
}

/** Whether a value is whole tags of this key and nothing else, as it is after any set, append and prepend. */
export function isTaggedFor(key: string, value: Uint8Array): boolean {
  const tag = Buffer.from(`<${key}>`, 'latin1');
  if (value.length % tag.length !== 0) return false;
  for (let at = 0; at < value.length; at++) {
    if (value[at] !== tag[at % tag.length]) return false;
  }
  return true;
}

/** Keys whose values are numbers, with the blanks that a decr leaves behind. */
export const NUMBER_KEYS = ['n0', 'n1', 'n2'];

/** Whether a value can have come from writes under this key alone. */
export function isOwnValue(key: string, value: Uint8Array): boolean {
  if (NUMBER_KEYS.includes(key)) return /^\d{0,20} *$/.test(Buffer.from(value).toString('latin1'));
  return isTaggedFor(key, value);
}
