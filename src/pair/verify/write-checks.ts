// Each kind of write, made on one node and awaited on the other.
import { CheckFailure } from '../check-result.js';
import { SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import { type Direction, type DirectionCheck, expectAnswer } from './direction.js';

const OPTIONS = { exptimeSec: SAFETY_EXPTIME_SEC };
const REMEDY =
  'see `repcachectl logs` of both nodes; both should run the same release (`repcachectl status`)';

export const WRITE_CHECKS: readonly DirectionCheck[] = [
  {
    id: 'set',
    title: 'set, and set again',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('set', 'first');
      expectAnswer('set', await direction.writer.store('set', key, 'second', OPTIONS), 'STORED');
      return { visibleMs: await direction.seen(key, { value: 'second' }) };
    },
  },
  {
    id: 'add',
    title: 'add; the peer then refuses to add',
    remedy: REMEDY,
    async run(direction) {
      const key = direction.key('add');
      expectAnswer('add', await direction.writer.store('add', key, 'added', OPTIONS), 'STORED');
      const visibleMs = await direction.seen(key, { value: 'added' });
      const again = await direction.reader.store('add', key, 'twice', OPTIONS);
      expectAnswer(`add of the same key on ${direction.to}`, again, 'NOT_STORED');
      return { visibleMs };
    },
  },
  {
    id: 'replace',
    title: 'replace',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('replace', 'old');
      expectAnswer('replace', await direction.writer.store('replace', key, 'new', OPTIONS), 'STORED');
      return { visibleMs: await direction.seen(key, { value: 'new' }) };
    },
  },
  {
    id: 'append',
    title: 'append keeps the flags',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('append', 'head', 7);
      expectAnswer('append', await direction.writer.store('append', key, '+tail'), 'STORED');
      return { visibleMs: await direction.seen(key, { value: 'head+tail', flags: 7 }) };
    },
  },
  {
    id: 'prepend',
    title: 'prepend keeps the flags',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('prepend', 'tail', 7);
      expectAnswer('prepend', await direction.writer.store('prepend', key, 'head+'), 'STORED');
      return { visibleMs: await direction.seen(key, { value: 'head+tail', flags: 7 }) };
    },
  },
  {
    id: 'cas',
    title: "cas; uniques are equal, and each node's works on the other",
    remedy: 'both nodes must run repcached: CAS uniques of other servers differ from node to node',
    run: checkCas,
  },
  {
    id: 'incr',
    title: 'incr, also past 64 bits',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('incr', '18446744073709551610');
      expectAnswer('incr', await direction.writer.incr(key, 5n), '18446744073709551615');
      await direction.seen(key, { value: '18446744073709551615', padded: true });
      expectAnswer('incr', await direction.writer.incr(key, 8n), '7');
      return { visibleMs: await direction.seen(key, { value: '7', padded: true }) };
    },
  },
  {
    id: 'decr',
    title: 'decr, not below 0',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('decr', '100');
      expectAnswer('decr', await direction.writer.decr(key, 1n), '99');
      await direction.seen(key, { value: '99', padded: true });
      expectAnswer('decr', await direction.writer.decr(key, 500n), '0');
      return { visibleMs: await direction.seen(key, { value: '0', padded: true }) };
    },
  },
  {
    id: 'delete',
    title: 'delete; the peer can then add it anew',
    remedy: REMEDY,
    async run(direction) {
      const key = await direction.begin('delete', 'doomed');
      expectAnswer('delete', await direction.writer.delete(key), 'DELETED');
      const visibleMs = await direction.gone(key);
      const added = await direction.reader.store('add', key, 'reborn', OPTIONS);
      expectAnswer(`add of the deleted key on ${direction.to}`, added, 'STORED');
      await direction.seenBack(key, { value: 'reborn' });
      return { visibleMs };
    },
  },
  {
    id: 'noreply',
    title: 'set and delete with noreply',
    remedy: REMEDY,
    async run(direction) {
      const doomed = await direction.begin('noreply-delete', 'doomed');
      const key = direction.key('noreply-set');
      direction.writer.storeNoReply('set', key, 'quiet', OPTIONS);
      direction.writer.deleteNoReply(doomed);
      const visibleMs = await direction.seen(key, { value: 'quiet' });
      await direction.gone(doomed);
      return { visibleMs };
    },
  },
];

async function checkCas(direction: Direction): Promise<{ visibleMs: number }> {
  const { writer, reader, from, to } = direction;
  const key = await direction.begin('cas', 'one');
  const first = (await writer.get(key))?.cas ?? 'none';
  const onPeer = (await reader.get(key))?.cas ?? 'none';
  if (first !== onPeer) throw new CheckFailure(`unique ${first} on ${to} as on ${from}`, onPeer);

  expectAnswer(`cas with the unique of ${to}`, await writer.cas(key, 'two', onPeer, OPTIONS), 'STORED');
  const visibleMs = await direction.seen(key, { value: 'two' });
  expectAnswer(`cas on ${to} with a stale unique`, await reader.cas(key, 'stale', first, OPTIONS), 'EXISTS');

  const second = (await writer.get(key))?.cas ?? '0';
  expectAnswer(
    `cas on ${to} with the unique of ${from}`,
    await reader.cas(key, 'three', second, OPTIONS),
    'STORED',
  );
  await direction.seenBack(key, { value: 'three' });
  return { visibleMs };
}
