// A client for a session without sockets: says bytes in whatever pieces, hears all replies.
import { ClassicSession } from '../../../src/engine/protocol/classic/session.js';
import { ReplyBuffer } from '../../../src/engine/protocol/reply-buffer.js';
import type {
  ProcessFacts,
  ServerFacts,
  ServerSettings,
  StatLine,
} from '../../../src/engine/protocol/server-facts.js';
import type { Store } from '../../../src/engine/store/store.js';
import { guardedStore } from '../store/guarded-store.js';

export class FixedFacts implements ServerFacts {
  readonly version = '1.6.0-test';
  verbosity = 0;
  resets = 0;
  /** Set to 0 to allow shutdowns, which are counted. */
  shutdowns: number | undefined;
  refreshes = 0;

  process(): ProcessFacts {
    return {
      pid: 42,
      uptimeSec: 7,
      userCpuSec: 0.5,
      systemCpuSec: 0.25,
      currConnections: 1,
      totalConnections: 2,
      rejectedConnections: 0,
      maxConnections: 1024,
      bytesRead: 10,
      bytesWritten: 20,
      acceptingConnections: true,
      listenDisabledCount: 0,
      listenDisabledUs: 0,
      connectionYields: 0,
      idleKicks: 0,
      tls: undefined,
      threads: 1,
    };
  }

  settings(): ServerSettings {
    return {
      maxConnections: 1024,
      tcpPort: 11211,
      udpPort: 0,
      listen: '',
      unixSocket: '',
      unixSocketMode: '700',
      verbosity: this.verbosity,
      evictions: true,
      growthFactor: 1.25,
      minItemSpaceBytes: 48,
      threads: 1,
      itemSizeMaxBytes: 1048576,
      tcpBacklog: 512,
      maxMemoryBytes: 8 * 1024 * 1024,
      casEnabled: true,
      flushEnabled: true,
      shutdownEnabled: this.shutdowns !== undefined,
      dumpEnabled: true,
      watchEnabled: true,
      protocol: 'auto',
      saslEnabled: false,
      authFile: '',
      idleTimeoutSec: 0,
      tls: undefined,
      memoryFile: '',
    };
  }

  connections(): Iterable<StatLine> {
    return [['0:addr', 'tcp:127.0.0.1:5']];
  }

  replication(): Iterable<StatLine> {
    return [['repl_state', 'off']];
  }

  resetStats(): void {
    this.resets++;
  }

  setVerbosity(level: number): void {
    this.verbosity = level;
  }

  refreshCertificates(): void {
    this.refreshes += 1;
  }

  shutdown(): void {
    this.shutdowns = (this.shutdowns ?? 0) + 1;
  }
}

export class Talk {
  readonly session: ClassicSession;
  readonly reply = new ReplyBuffer(16);
  /** How often the session paused for a full reply buffer. */
  pauses = 0;

  constructor(store: Store, facts: ServerFacts = new FixedFacts()) {
    this.session = new ClassicSession(guardedStore(store), facts);
  }

  /** Says the pieces one after the other; returns all replies, flushing as a server does. */
  say(...pieces: Uint8Array[]): string {
    let heard = '';
    for (const piece of pieces) {
      let at = 0;
      do {
        at += this.session.consume(piece, at, piece.length, this.reply);
        heard += this.reply.bytes.toString('latin1', 0, this.reply.length);
        this.reply.clear();
        if (this.session.paused) this.pauses++;
      } while (this.session.paused);
      if (!this.session.closing && at !== piece.length)
        throw new Error(`took ${at} of ${piece.length} bytes`);
    }
    return heard;
  }
}
