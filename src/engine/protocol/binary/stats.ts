// The stat command: what the text protocol's stats says, one packet a line and an empty one at the end.
import type { Store } from '../../store/store.js';
import { CommandLine } from '../classic/command-line.js';
import { answerStats } from '../classic/stats.js';
import { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import { writeError, writeHeader, writeOk } from './replies.js';
import type { Request } from './request.js';
import { STATUS_NOT_FOUND, STATUS_OK } from './wire.js';

const STAT_LINE = /^STAT (\S+) (.*)$/;
/** The one group whose lines are no statistics: they go into one packet as they are. */
const DETAIL_DUMP = 'detail dump';
const REFUSAL = /^(CLIENT_|SERVER_)?ERROR/;

/** Answers stat; its key is the group (`settings`, `items` ...), no key is the general one. */
export function answerStat(request: Request, store: Store, server: ServerFacts, reply: ReplyBuffer): void {
  const text = statsText(request, store, server);
  if (REFUSAL.test(text)) {
    writeError(reply, request, STATUS_NOT_FOUND);
    return;
  }
  if (groupOf(request) === DETAIL_DUMP) writeStat(request, 'detailed', text, reply);
  for (const line of text.split('\r\n')) {
    const stat = STAT_LINE.exec(line);
    if (stat !== null) writeStat(request, stat[1], stat[2], reply);
  }
  writeOk(reply, request, 0, 0);
}

function statsText(request: Request, store: Store, server: ServerFacts): string {
  const words = Buffer.from(`stats ${groupOf(request)}`, 'latin1');
  const line = new CommandLine();
  line.split(words, 0, words.length);
  const text = new ReplyBuffer();
  answerStats(line, store, server, text);
  return text.bytes.toString('latin1', 0, text.length);
}

function groupOf({ bytes, keyStart, keyLength }: Request): string {
  return Buffer.from(bytes.subarray(keyStart, keyStart + keyLength)).toString('latin1');
}

function writeStat(request: Request, key: string, value: string, reply: ReplyBuffer): void {
  writeHeader(reply, request, STATUS_OK, 0, key.length, key.length + value.length, 0, 0);
  reply.length += reply.bytes.write(key + value, reply.length, 'latin1');
}
