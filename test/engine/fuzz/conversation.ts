// Says bytes to a session in pieces, as a server does, and holds it to the contract of consume().
import { ReplyBuffer } from '../../../src/engine/protocol/reply-buffer.js';
import { type ClientAccess, ClientSession } from '../../../src/engine/protocol/session.js';
import type { Store } from '../../../src/engine/store/store.js';
import { FixedFacts } from '../protocol/talk.js';
import { guardedStore } from '../store/guarded-store.js';

/** Far more than a listing of a small store needs. */
const IDLE_TURNS_MAX = 10_000;

export interface Heard {
  readonly bytes: Buffer;
  /** The session wants the connection closed. */
  readonly closes: boolean;
}

/**
 * A whole connection, from its first byte to its end.
 * @throws Error when consume() takes bytes that are not there, stops for no reason, or makes no progress
 */
export function converse(
  store: Store,
  pieces: readonly Uint8Array[],
  access: Partial<ClientAccess> = {},
): Heard {
  const session = new ClientSession(guardedStore(store), new FixedFacts(), {
    protocols: 'auto',
    credentials: undefined,
    ...access,
  });
  const reply = new ReplyBuffer(16);
  const heard: Buffer[] = [];
  let idleTurns = 0;
  for (const piece of pieces) {
    let at = 0;
    for (;;) {
      const taken = session.consume(piece, at, piece.length, reply);
      const answered = reply.length;
      if (taken < 0 || at + taken > piece.length) throw new Error(`took ${taken} of ${piece.length - at}`);
      at += taken;
      heard.push(Buffer.from(reply.bytes.subarray(0, answered)));
      reply.clear();
      if (session.closing) break;
      if (!session.paused) {
        if (at !== piece.length) throw new Error(`stopped at ${at} of ${piece.length} without a reason`);
        break;
      }
      // A listing may have its turn without finding anything to say.
      idleTurns = answered === 0 && taken === 0 ? idleTurns + 1 : 0;
      if (idleTurns > IDLE_TURNS_MAX)
        throw new Error(`paused at ${at} with nothing to flush, and goes on so`);
    }
  }
  const closes = session.closing;
  session.close();
  return { bytes: Buffer.concat(heard), closes };
}
