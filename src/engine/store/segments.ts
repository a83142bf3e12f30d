// The arena: shared memory in segments of 1 GiB, and access to the fields of an item by its ref.
import {
  BYTE_KEY_LENGTH,
  BYTE_STATE,
  BYTE_TOUCH_SEQ,
  BYTE_USE,
  HEADER_BYTES,
  OWN_UNIQUE_SHIFT,
  SEGMENT_BYTES,
  SEGMENT_REF_MASK,
  SEGMENT_REF_SHIFT,
  USE_OWN_UNIQUE,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_NEXT,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import type { SharedMemory } from './shared-memory.js';

/** Below this a loop over bytes beats the call into the runtime's copy. */
const SHORT_COPY_BYTES = 24;

/** Copies source[start .. end) to target; the sources may be any view, shared or not. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
): void {
  if (end - start <= SHORT_COPY_BYTES) {
    for (let from = start, to = targetStart; from < end; from++, to++) target[to] = source[from];
  } else {
    Buffer.prototype.copy.call(source, target, targetStart, start, end);
  }
}

export class Segments {
  readonly words: Uint32Array[] = [];
  readonly bytes: Uint8Array[] = [];

  /** The memory is only reserved; the system hands out what is touched. */
  constructor(memory: SharedMemory, totalBytes: number) {
    for (let offset = 0; offset < totalBytes; offset += SEGMENT_BYTES) {
      const name = `segments.${this.words.length}`;
      const segment = memory.block(name, Math.min(SEGMENT_BYTES, totalBytes - offset));
      this.words.push(new Uint32Array(segment));
      this.bytes.push(Buffer.from(segment));
    }
  }

  word(ref: number, field: number): number {
    return this.words[ref >>> SEGMENT_REF_SHIFT][((ref & SEGMENT_REF_MASK) << 1) + field];
  }

  /** A word of whatever is at ref, which need not be an item; 0 where there is nothing. */
  peek(ref: number): number {
    const words = this.words[ref >>> SEGMENT_REF_SHIFT];
    return words === undefined ? 0 : words[(ref & SEGMENT_REF_MASK) << 1];
  }

  setWord(ref: number, field: number, value: number): void {
    this.words[ref >>> SEGMENT_REF_SHIFT][((ref & SEGMENT_REF_MASK) << 1) + field] = value;
  }

  byte(ref: number, field: number): number {
    return this.bytes[ref >>> SEGMENT_REF_SHIFT][((ref & SEGMENT_REF_MASK) << 3) + field];
  }

  setByte(ref: number, field: number, value: number): void {
    this.bytes[ref >>> SEGMENT_REF_SHIFT][((ref & SEGMENT_REF_MASK) << 3) + field] = value;
  }

  /** Whether an item has one of these marks (USE_...). */
  hasMark(ref: number, marks: number): boolean {
    return (this.byte(ref, BYTE_USE) & marks) !== 0;
  }

  setMark(ref: number, mark: number): void {
    this.setByte(ref, BYTE_USE, this.byte(ref, BYTE_USE) | mark);
  }

  /** Everything of a new item but its version, place in the index, state and use. */
  setHeader(ref: number, keyLength: number, flags: number, exptimeSec: number, valueLength: number): void {
    const words = this.words[ref >>> SEGMENT_REF_SHIFT];
    const at = (ref & SEGMENT_REF_MASK) << 1;
    words[at + WORD_FLAGS] = flags;
    words[at + WORD_EXPTIME] = exptimeSec;
    words[at + WORD_VALUE_LENGTH] = valueLength;
    this.bytes[ref >>> SEGMENT_REF_SHIFT][(at << 2) + BYTE_KEY_LENGTH] = keyLength;
  }

  setVersion(ref: number, versionHi: number, versionLo: number, touchSeq: number): void {
    const words = this.words[ref >>> SEGMENT_REF_SHIFT];
    const at = (ref & SEGMENT_REF_MASK) << 1;
    words[at + WORD_VERSION_HI] = versionHi;
    words[at + WORD_VERSION_LO] = versionLo;
    this.bytes[ref >>> SEGMENT_REF_SHIFT][(at << 2) + BYTE_TOUCH_SEQ] = touchSeq;
  }

  copyVersion(from: number, to: number): void {
    this.setVersion(
      to,
      this.word(from, WORD_VERSION_HI),
      this.word(from, WORD_VERSION_LO),
      this.byte(from, BYTE_TOUCH_SEQ),
    );
  }

  next(ref: number): number {
    return this.words[ref >>> SEGMENT_REF_SHIFT][((ref & SEGMENT_REF_MASK) << 1) + WORD_NEXT];
  }

  state(ref: number): number {
    return this.bytes[ref >>> SEGMENT_REF_SHIFT][((ref & SEGMENT_REF_MASK) << 3) + BYTE_STATE];
  }

  /** The view an item lies in; offsets from keyOffset() and valueOffset() count from its start. */
  view(ref: number): Uint8Array {
    return this.bytes[ref >>> SEGMENT_REF_SHIFT];
  }

  keyOffset(ref: number): number {
    return ((ref & SEGMENT_REF_MASK) << 3) + HEADER_BYTES;
  }

  valueOffset(ref: number): number {
    const bytes = this.bytes[ref >>> SEGMENT_REF_SHIFT];
    const offset = (ref & SEGMENT_REF_MASK) << 3;
    const ownUniqueBytes = (bytes[offset + BYTE_USE] & USE_OWN_UNIQUE) >>> OWN_UNIQUE_SHIFT;
    return offset + HEADER_BYTES + bytes[offset + BYTE_KEY_LENGTH] + ownUniqueBytes;
  }

  /** Bytes between key and value: OWN_UNIQUE_BYTES or 0. */
  ownUniqueBytes(ref: number): number {
    return (this.byte(ref, BYTE_USE) & USE_OWN_UNIQUE) >>> OWN_UNIQUE_SHIFT;
  }

  /** One half of a unique that a client gave, from those bytes: offset 0 is the upper one, 4 the lower one. */
  ownUnique(ref: number, offset: 0 | 4): number {
    const bytes = this.view(ref);
    const at = this.keyOffset(ref) + this.byte(ref, BYTE_KEY_LENGTH) + offset;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  }

  /** The unique that clients see and compare with: the version, unless a client gave one of its own. */
  uniqueHi(ref: number): number {
    return this.ownUniqueBytes(ref) === 0 ? this.word(ref, WORD_VERSION_HI) : this.ownUnique(ref, 0);
  }

  uniqueLo(ref: number): number {
    return this.ownUniqueBytes(ref) === 0 ? this.word(ref, WORD_VERSION_LO) : this.ownUnique(ref, 4);
  }

  /** Marks a slot that has room for it as having a unique of its own. Before the value is written: it moves that. */
  giveUnique(ref: number, hi: number, lo: number): void {
    this.setMark(ref, USE_OWN_UNIQUE);
    this.setOwnUnique(ref, hi, lo);
  }

  setOwnUnique(ref: number, hi: number, lo: number): void {
    const bytes = this.view(ref);
    let at = this.keyOffset(ref) + this.byte(ref, BYTE_KEY_LENGTH);
    for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = hi >>> shift;
    for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = lo >>> shift;
  }
}
