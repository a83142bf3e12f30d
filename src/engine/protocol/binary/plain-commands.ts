// Commands without a value: delete, flush, noop, version, verbosity, quit.
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import { writeError, writeOk, writeValue } from './replies.js';
import type { Request } from './request.js';
import { STATUS_AUTH_ERROR, STATUS_EXISTS, STATUS_NOT_FOUND, STATUS_OK } from './wire.js';

/** delete; with a unique only the item that has it. */
export function answerDelete(request: Request, store: Store, reply: ReplyBuffer): void {
  const { bytes, keyStart, keyLength } = request;
  if (request.hasUnique) {
    const ref = store.find(bytes, keyStart, keyLength);
    if (ref !== 0 && (store.uniqueHi(ref) !== request.uniqueHi || store.uniqueLo(ref) !== request.uniqueLo)) {
      writeError(reply, request, STATUS_EXISTS);
      return;
    }
  }
  if (store.remove(bytes, keyStart, keyLength)) answerOk(request, reply);
  else writeError(reply, request, STATUS_NOT_FOUND);
}

/** flush, now or, with extras, later. */
export function answerFlush(request: Request, store: Store, server: ServerFacts, reply: ReplyBuffer): void {
  if (!server.settings().flushEnabled) {
    writeError(reply, request, STATUS_AUTH_ERROR);
    return;
  }
  store.flushAll(request.extrasLength === 0 ? 0 : request.extra(0));
  answerOk(request, reply);
}

/** verbosity; memcached's documents have it, memcached itself says that it does not know the command. */
export function answerVerbosity(request: Request, server: ServerFacts, reply: ReplyBuffer): void {
  server.setVerbosity(request.extra(0));
  answerOk(request, reply);
}

export function answerVersion(request: Request, server: ServerFacts, reply: ReplyBuffer): void {
  writeValue(reply, request, STATUS_OK, Buffer.from(server.version, 'latin1'));
}

/** All is well, and there is nothing else to say: noop, quit, and the end of the commands above. */
export function answerOk(request: Request, reply: ReplyBuffer): void {
  if (!request.shape.isQuiet) writeOk(reply, request, 0, 0);
}
