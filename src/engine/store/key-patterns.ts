// Which keys stay on this node: patterns with `*` for any bytes, matched on a key where it lies, without allocation.

/** Bounds what a write may cost: each pattern is tried on its key. */
export const KEY_PATTERNS_MAX = 16;
export const KEY_PATTERN_BYTES_MAX = 250;

const STAR = 0x2a;

export class KeyPatterns {
  readonly #patterns: readonly Uint8Array[];

  /** @throws RangeError on a pattern that matches nothing or everything, or on too many */
  constructor(patterns: readonly string[]) {
    if (patterns.length > KEY_PATTERNS_MAX) {
      throw new RangeError(`${patterns.length} patterns are too many: ${KEY_PATTERNS_MAX} at most`);
    }
    for (const pattern of patterns) checkPattern(pattern);
    this.#patterns = patterns.map((pattern) => Buffer.from(pattern.replace(/\*+/g, '*')));
  }

  /** Whether one of them matches the whole key. */
  matches(bytes: Uint8Array, start: number, length: number): boolean {
    const patterns = this.#patterns;
    for (let at = 0; at < patterns.length; at++) {
      if (matchesPattern(patterns[at], bytes, start, start + length)) return true;
    }
    return false;
  }
}

function checkPattern(pattern: string): void {
  const sizeBytes = Buffer.byteLength(pattern);
  if (sizeBytes === 0 || sizeBytes > KEY_PATTERN_BYTES_MAX) {
    throw new RangeError(`a pattern has 1 to ${KEY_PATTERN_BYTES_MAX} bytes, not ${sizeBytes}`);
  }
  if (/^\*+$/.test(pattern)) {
    throw new RangeError(`"${pattern}" matches every key: then nothing would be replicated`);
  }
  for (const character of pattern) {
    const code = character.charCodeAt(0);
    if (code <= 0x20 || code === 0x7f) {
      throw new RangeError('a pattern has no blanks and no control characters, as no key has');
    }
  }
}

/**
 * A star first takes nothing, and one byte more each time that what follows it does not match. Only the last star
 * met needs to be tried again: what stands before it has matched as early as it could.
 */
function matchesPattern(pattern: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  let patternAt = 0;
  let starAt = -1;
  let starTakesTo = start;
  while (at < end) {
    if (patternAt < pattern.length && pattern[patternAt] === STAR) {
      starAt = patternAt++;
      starTakesTo = at;
    } else if (patternAt < pattern.length && pattern[patternAt] === bytes[at]) {
      patternAt++;
      at++;
    } else if (starAt >= 0) {
      patternAt = starAt + 1;
      at = ++starTakesTo;
    } else {
      return false;
    }
  }
  while (patternAt < pattern.length && pattern[patternAt] === STAR) patternAt++;
  return patternAt === pattern.length;
}
