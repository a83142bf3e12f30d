// The common script by memjs, which speaks the binary protocol: node npm-memjs.mjs PORT
import { Client } from 'memjs';
import { check, eventually, passed } from './check.mjs';

const client = Client.create(`127.0.0.1:${process.argv[2]}`, { retries: 0, timeout: 10, logger: console });
const text = async (key) => (await client.get(key)).value?.toString() ?? null;

check('set', await client.set('memjs:a', 'one', {}), true);
check('get', await text('memjs:a'), 'one');
check('add to a key that is there', await client.add('memjs:a', 'two', {}), false);
check('replace', await client.replace('memjs:a', 'b', {}), true);
check('append', await client.append('memjs:a', 'c'), true);
// Not prepend: this client sends the opcode of append for it.
check('what they made', await text('memjs:a'), 'bc');
check('delete', await client.delete('memjs:a'), true);
check('delete again', await client.delete('memjs:a'), false);
passed('store');

check('a miss', await text('memjs:none'), null);
const values = {
  empty: '',
  binary: Buffer.from('\0\r\nEND\r\n\xff', 'latin1'),
  large: Buffer.alloc(800_000, 'ab'),
};
for (const [name, value] of Object.entries(values)) {
  check(`set ${name}`, await client.set(`memjs:${name}`, value, {}), true);
  check(`get ${name}`, (await client.get(`memjs:${name}`)).value, Buffer.from(value));
}
passed('fetch');

check('increment', (await client.increment('memjs:n', 5, { initial: 10 })).value, 10);
check('increment again', (await client.increment('memjs:n', 5, { initial: 10 })).value, 15);
check('decrement below zero', (await client.decrement('memjs:n', 100, { initial: 0 })).value, 0);
passed('incr');

const keys = Array.from({ length: 200 }, (_, at) => `memjs:many:${at}`);
await Promise.all(keys.map((key) => client.set(key, `value of ${key}`, {})));
check(
  'many at once',
  await Promise.all(keys.map(text)),
  keys.map((key) => `value of ${key}`),
);
passed('multi');

await client.set('memjs:short', 'x', { expires: 1 });
await client.set('memjs:touched', 'x', { expires: 1000 });
await client.set('memjs:long', 'x', { expires: 1000 });
check('touch', await client.touch('memjs:touched', 1), true);
await eventually('expiry', async () => (await text('memjs:short')) === null);
await eventually('expiry of what was touched', async () => (await text('memjs:touched')) === null);
check('what has time left', await text('memjs:long'), 'x');
passed('expiry');

const stats = await new Promise((resolve, reject) => {
  client.stats((error, _server, answer) => (error ? reject(error) : resolve(answer)));
});
check('stats', Number(stats.pid) > 0, true);
passed('stats');
client.close();
