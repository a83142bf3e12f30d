// The common script by memcache-client (npm), which speaks the classic text protocol: node npm-memcache-client.mjs PORT
import { MemcacheClient } from 'memcache-client';
import { check, eventually, passed } from './check.mjs';

const client = new MemcacheClient({ server: `127.0.0.1:${process.argv[2]}`, cmdTimeout: 10_000 });
const value = async (key) => (await client.get(key))?.value;
/** Commands that say "not stored" by an error. */
const refusal = (promise) => promise.then(String, (error) => error.message);

check('set', await client.set('client:a', 'one'), ['STORED']);
check('get', await value('client:a'), 'one');
check('add to a key that is there', await refusal(client.add('client:a', 'two')), 'NOT_STORED');
check('replace', await client.replace('client:a', 'b'), ['STORED']);
check('append', await client.append('client:a', 'c'), ['STORED']);
check('prepend', await client.prepend('client:a', 'a'), ['STORED']);
check('what they made', await value('client:a'), 'abc');
check('delete', await client.delete('client:a'), ['DELETED']);
check('delete again', await refusal(client.delete('client:a')), 'NOT_FOUND');
passed('store');

check('a miss', await client.get('client:none'), undefined);
const values = {
  binary: Buffer.from('\0\r\nEND\r\n\xff', 'latin1'),
  large: 'ab'.repeat(400_000),
  int: 7,
  object: { a: [1, null] },
};
for (const [name, stored] of Object.entries(values)) {
  await client.set(`client:${name}`, stored);
  check(`get ${name}`, await value(`client:${name}`), stored);
}

passed('fetch');

await client.set('client:cas', 'one');
const item = await client.gets('client:cas');
check('value with its token', item.value, 'one');
check('cas', await client.cas('client:cas', 'two', { casUniq: item.casUniq }), ['STORED']);
check(
  'cas with the old token',
  await refusal(client.cas('client:cas', 'three', { casUniq: item.casUniq })),
  'EXISTS',
);
check('what is there', await value('client:cas'), 'two');
passed('cas');

await client.set('client:n', '10');
check('incr', await client.incr('client:n', 5), '15');
check('decr below zero', await client.decr('client:n', 100), '0');
check('incr of nothing', await refusal(client.incr('client:none', 1)), 'NOT_FOUND');
passed('incr');

const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`client:many:${at}`, `value ${at}`]));
await Promise.all(Object.entries(many).map(([key, stored]) => client.set(key, stored)));
const found = await client.get([...Object.keys(many), 'client:none']);
check(
  'get of many',
  Object.fromEntries(Object.entries(found).map(([key, answer]) => [key, answer.value])),
  many,
);
passed('multi');

await client.set('client:short', 'x', { lifetime: 1 });
await client.set('client:touched', 'x', { lifetime: 1000 });
await client.set('client:long', 'x', { lifetime: 1000 });
check('touch', await client.touch('client:touched', 1), ['TOUCHED']);
await eventually('expiry', async () => (await client.get('client:short')) === undefined);
await eventually(
  'expiry of what was touched',
  async () => (await client.get('client:touched')) === undefined,
);
check('what has time left', await value('client:long'), 'x');
passed('expiry');

check('version', /\d+\.\d+\.\d+/.test(String(await client.version())), true);
passed('stats');
client.shutdown();
