// All that a node holds, as its clients see it: two nodes are compared by this key by key.
import { TextClient } from './text-client.js';

const KEYS_PER_GET = 200;

/** Of each key flags and value, and the CAS unique unless that is each node's own. */
export async function contentsOf(port: number, { uniques = true } = {}): Promise<Map<string, string>> {
  const client = await TextClient.connect(port);
  try {
    const answer = await client.command('lru_crawler metadump all');
    if (answer !== 'OK') throw new Error(`metadump was answered with "${answer}"`);
    // Its lines end without a carriage return, all but the last.
    const dump = await client.readLine();
    const keys = Array.from(dump.matchAll(/^key=(\S+) /gm), ([, key]) => decodeURIComponent(key));
    const contents = new Map<string, string>();
    for (let first = 0; first < keys.length; first += KEYS_PER_GET) {
      const items = await client.getMany(keys.slice(first, first + KEYS_PER_GET));
      for (const [key, { value, flags, cas }] of items)
        contents.set(key, `${flags} ${uniques ? cas : ''} ${value}`);
    }
    return contents;
  } finally {
    client.close();
  }
}

/** What is said of a key on one node and not on the other, for the message of a test that fails. */
export function differences(one: Map<string, string>, other: Map<string, string>): string[] {
  const found: string[] = [];
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    const [here, there] = [one.get(key), other.get(key)];
    if (here !== there) found.push(`${key}: ${here?.slice(0, 80)} and ${there?.slice(0, 80)}`);
  }
  return found;
}
