// A client for a session without sockets: says bytes in whatever pieces, hears the bytes of all replies.
import type { Credentials } from '../../../../src/engine/protocol/auth/credentials.js';
import { ReplyBuffer } from '../../../../src/engine/protocol/reply-buffer.js';
import { type ClientAccess, ClientSession } from '../../../../src/engine/protocol/session.js';
import type { Store } from '../../../../src/engine/store/store.js';
import { guardedStore } from '../../store/guarded-store.js';
import { FixedFacts } from '../talk.js';

export class BytesTalk {
  readonly session: ClientSession;
  readonly facts = new FixedFacts();
  readonly reply = new ReplyBuffer(16);
  /** How often the session paused for a full reply buffer. */
  pauses = 0;

  constructor(store: Store, access: Partial<ClientAccess> & { credentials?: Credentials | undefined } = {}) {
    this.session = new ClientSession(guardedStore(store), this.facts, {
      protocols: 'auto',
      credentials: undefined,
      ...access,
    });
  }

  /** Says the pieces one after the other; returns all replies, flushing as a server does. */
  say(...pieces: Uint8Array[]): Buffer {
    const heard: Buffer[] = [];
    for (const piece of pieces) {
      let at = 0;
      do {
        at += this.session.consume(piece, at, piece.length, this.reply);
        heard.push(Buffer.from(this.reply.bytes.subarray(0, this.reply.length)));
        this.reply.clear();
        if (this.session.paused) this.pauses++;
      } while (this.session.paused);
      if (!this.session.closing && at !== piece.length)
        throw new Error(`took ${at} of ${piece.length} bytes`);
    }
    return Buffer.concat(heard);
  }
}
