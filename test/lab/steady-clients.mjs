// Clients of a pair, as applications are: each prefers a node and goes to the other one when that fails. Run on the
// ops machine: `node steady-clients.mjs A B KEYS`. Stores KEYS keys, says `ready`, writes until SIGINT, then
// compares what both nodes hold with what they had acknowledged, and says so in one line of JSON.
import { once } from 'node:events';
import { connect } from 'node:net';

const PORT = 11211;
const WRITERS = 8;
const PAUSE_MS = 3;
const ANSWER_WITHIN_MS = 2000;
const KEYS_A_READ = 100;

const [, , a, b, keys] = process.argv;
const nodes = [a, b];
/** Key to the value that a node acknowledged last. */
const journal = new Map();
const figures = { writes: 0, errors: 0, longestGapMs: 0 };
let isOver = false;

class Client {
  #input = '';
  #wake = () => {};
  #ended = false;

  constructor(host) {
    this.socket = connect({ host, port: PORT });
    this.socket.setNoDelay(true).setEncoding('latin1');
    this.socket.on('data', (text) => {
      this.#input += text;
      this.#wake();
    });
    for (const event of ['error', 'close']) {
      this.socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** Says something and returns the answer once it ends as the pattern says. */
  async ask(request, pattern) {
    this.socket.write(request);
    const deadline = Date.now() + ANSWER_WITHIN_MS;
    while (!pattern.test(this.#input)) {
      if (this.#ended || Date.now() >= deadline) throw new Error('no answer');
      let timer;
      await new Promise((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, deadline - Date.now());
      });
      clearTimeout(timer);
    }
    const answer = this.#input;
    this.#input = '';
    return answer;
  }

  close() {
    this.socket.destroy();
  }
}

async function fill() {
  const client = new Client(a);
  for (let first = 0; first < Number(keys); first += 1000) {
    let request = '';
    const end = Math.min(first + 1000, Number(keys));
    for (let i = first; i < end; i++) {
      const value = `value of ${i} ${'x'.repeat(i % 200)}`;
      journal.set(`fixed:${i}`, value);
      request += `set fixed:${i} 0 0 ${value.length} noreply\r\n${value}\r\n`;
    }
    await client.ask(`${request}get none\r\n`, /^END\r\n$/);
  }
  client.close();
}

/** Writes new keys and its own earlier ones, each until a node has acknowledged it. */
async function write(id) {
  let at = id % 2;
  let client = new Client(nodes[at]);
  let ackedAt = performance.now();
  for (let count = 0; !isOver; count++) {
    const key = `w:${id}:${count % 3 === 0 ? count : count % 50}`;
    const value = `${id} ${count}`;
    for (;;) {
      try {
        const answer = await client.ask(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`, /\r\n$/);
        if (answer !== 'STORED\r\n') throw new Error(answer);
        break;
      } catch {
        figures.errors += 1;
        client.close();
        at = 1 - at;
        await new Promise((resolve) => setTimeout(resolve, 20));
        client = new Client(nodes[at]);
      }
    }
    journal.set(key, value);
    figures.writes += 1;
    figures.longestGapMs = Math.max(figures.longestGapMs, Math.round(performance.now() - ackedAt));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    ackedAt = performance.now();
    // Back to the node it prefers, should that serve again.
    if (at !== id % 2 && count % 200 === 0) {
      client.close();
      at = id % 2;
      client = new Client(nodes[at]);
    }
  }
  client.close();
}

/** Keys of which the node has not what was acknowledged. */
async function lostOn(host) {
  const client = new Client(host);
  const lost = [];
  const all = [...journal.keys()];
  for (let first = 0; first < all.length; first += KEYS_A_READ) {
    const some = all.slice(first, first + KEYS_A_READ);
    const answer = await client.ask(`get ${some.join(' ')}\r\n`, /(^|\r\n)END\r\n$/);
    const values = new Map();
    for (const match of answer.matchAll(/VALUE (\S+) \d+ \d+\r\n(.*)\r\n/g)) values.set(match[1], match[2]);
    for (const key of some) {
      if (values.get(key) !== journal.get(key)) {
        lost.push(`${key}: ${values.get(key) ?? 'nothing'}, not ${journal.get(key)}`);
      }
    }
  }
  client.close();
  return lost;
}

await fill();
console.log('ready');
const writers = Array.from({ length: WRITERS }, (_, id) => write(id));
await once(process, 'SIGINT');
isOver = true;
await Promise.all(writers);
// What was acknowledged last is still on its way to the other node.
await new Promise((resolve) => setTimeout(resolve, 1000));
const lost = { a: await lostOn(a), b: await lostOn(b) };
const count = { a: lost.a.length, b: lost.b.length };
console.log(
  JSON.stringify({
    ...figures,
    keys: journal.size,
    lost: count,
    samples: [...lost.a, ...lost.b].slice(0, 5),
  }),
);
