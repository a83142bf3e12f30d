// memcached's frame around a datagram: 8 bytes in front, big-endian: request id, number of this datagram, how many
// there are, zero. A reply is cut into datagrams that all carry the request's id.

const HEADER_BYTES = 8;
/** So that a datagram passes any Ethernet whole. The header comes on top. */
export const REPLY_PAYLOAD_BYTES = 1400;

/**
 * The bytes of a request begin behind its header.
 * @returns undefined for what is to be ignored: too short, or one of several datagrams
 */
export function requestOf(datagram: Uint8Array): { id: number; start: number } | undefined {
  if (datagram.length <= HEADER_BYTES) return undefined;
  const sequence = (datagram[2] << 8) | datagram[3];
  const total = (datagram[4] << 8) | datagram[5];
  // memcached takes a total of 0 for 1.
  if (sequence !== 0 || total > 1) return undefined;
  return { id: (datagram[0] << 8) | datagram[1], start: HEADER_BYTES };
}

/** Cuts replies; its buffer is used over and over, as each datagram is handed on before the next is made. */
export class ReplyCutter {
  readonly #datagram = Buffer.alloc(HEADER_BYTES + REPLY_PAYLOAD_BYTES);

  /** Calls `send` for each datagram of reply[0, length). */
  cut(
    requestId: number,
    reply: Uint8Array,
    length: number,
    send: (bytes: Uint8Array, byteOffset: number, byteLength: number) => void,
  ): void {
    const datagram = this.#datagram;
    const total = Math.ceil(length / REPLY_PAYLOAD_BYTES);
    for (let sequence = 0; sequence < total; sequence++) {
      const from = sequence * REPLY_PAYLOAD_BYTES;
      const size = Math.min(REPLY_PAYLOAD_BYTES, length - from);
      datagram.writeUInt16BE(requestId, 0);
      datagram.writeUInt16BE(sequence, 2);
      datagram.writeUInt16BE(total, 4);
      datagram.writeUInt16BE(0, 6);
      datagram.set(reply.subarray(from, from + size), HEADER_BYTES);
      send(datagram, 0, HEADER_BYTES + size);
    }
  }
}
