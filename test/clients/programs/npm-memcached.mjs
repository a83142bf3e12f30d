// The common script by memcached (npm), which speaks the classic text protocol: node npm-memcached.mjs PORT
import { promisify } from 'node:util';
import Memcached from 'memcached';
import { check, eventually, passed } from './check.mjs';

const client = new Memcached(`127.0.0.1:${process.argv[2]}`, { retries: 0, timeout: 10_000 });
const command = (name) => promisify(client[name].bind(client));
/** Commands that say "not stored" by an error. */
const refuses = async (promise) => (await promise.catch(() => false)) === false;
const [set, get, add, replace, append, prepend, del] = 'set get add replace append prepend del'
  .split(' ')
  .map(command);
const [gets, cas, incr, decr, getMulti, touch] = 'gets cas incr decr getMulti touch'.split(' ').map(command);

check('set', await set('npm:a', 'one', 0), true);
check('get', await get('npm:a'), 'one');
check('add to a key that is there', await refuses(add('npm:a', 'two', 0)), true);
check('replace', await replace('npm:a', 'b', 0), true);
check('append', await append('npm:a', 'c'), true);
check('prepend', await prepend('npm:a', 'a'), true);
check('what they made', await get('npm:a'), 'abc');
check('del', await del('npm:a'), true);
check('del again', await del('npm:a'), false);
passed('store');

check('a miss', await get('npm:none'), undefined);
const values = {
  binary: Buffer.from('\0\r\nEND\r\n\xff', 'latin1'),
  large: 'ab'.repeat(400_000),
  int: 7,
  object: { a: [1, null] },
};
for (const [name, value] of Object.entries(values)) {
  check(`set ${name}`, await set(`npm:${name}`, value, 0), true);
  check(`get ${name}`, await get(`npm:${name}`), value);
}
passed('fetch');

await set('npm:cas', 'one', 0);
const item = await gets('npm:cas');
check('value with its token', item['npm:cas'], 'one');
check('cas', await cas('npm:cas', 'two', item.cas, 0), true);
check('cas with the old token', await cas('npm:cas', 'three', item.cas, 0), false);
check('what is there', await get('npm:cas'), 'two');
passed('cas');

await set('npm:n', '10', 0);
check('incr', await incr('npm:n', 5), 15);
check('decr below zero', await decr('npm:n', 100), 0);
check('incr of nothing', await incr('npm:none', 1), false);
passed('incr');

const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`npm:many:${at}`, `value ${at}`]));
await Promise.all(Object.entries(many).map(([key, value]) => set(key, value, 0)));
check('getMulti', { ...(await getMulti([...Object.keys(many), 'npm:none'])) }, many);
passed('multi');

await set('npm:short', 'x', 1);
await set('npm:touched', 'x', 1000);
await set('npm:long', 'x', 1000);
check('touch', await touch('npm:touched', 1), true);
await eventually('expiry', async () => (await get('npm:short')) === undefined);
await eventually('expiry of what was touched', async () => (await get('npm:touched')) === undefined);
check('what has time left', await get('npm:long'), 'x');
passed('expiry');

for (const group of ['stats', 'settings', 'slabs', 'items']) {
  check(group, Array.isArray(await command(group)()), true);
}
passed('stats');
client.end();
