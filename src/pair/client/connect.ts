// Opens a client connection to one node of a pair, by the way its host is reached.
import type { Duplex } from 'node:stream';
import type { OpenNode } from '../open-pair.js';
import { type ClientOptions, MemcachedClient } from './client.js';
import { ClientError, reasonOf } from './client-error.js';

export interface ConnectOptions extends Omit<ClientOptions, 'label'> {
  /** Time limit for opening the connection. Default 5000. */
  connectTimeoutMs?: number;
}

/** Where the node's clients find it, as `a (10.0.0.1:11211)`. */
export function nodeLabel(node: OpenNode): string {
  return `${node.config.name} (${node.host.address}:${node.config.port})`;
}

/** @throws ClientError of kind `refused` or `timedOut`, naming the node and its address. */
export async function connectNode(node: OpenNode, options: ConnectOptions = {}): Promise<MemcachedClient> {
  const { connectTimeoutMs = 5000, ...clientOptions } = options;
  const label = nodeLabel(node);
  const opening = node.host.connect(node.host.address, node.config.port);
  const stream = await withinTime(opening, connectTimeoutMs, label);
  return new MemcachedClient(stream, { ...clientOptions, label });
}

/** Whether the node takes clients right now, and answers them. */
export async function nodeAnswers(node: OpenNode): Promise<boolean> {
  try {
    const client = await connectNode(node, { connectTimeoutMs: 1000, timeoutMs: 1000 });
    try {
      await client.version();
      return true;
    } finally {
      client.close();
    }
  } catch {
    return false;
  }
}

async function withinTime(opening: Promise<Duplex>, timeoutMs: number, label: string): Promise<Duplex> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // A stream that still opens afterwards belongs to nobody.
      opening.then(
        (stream) => stream.destroy(),
        () => undefined,
      );
      reject(new ClientError('timedOut', `${label} took no connection within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([
      opening.catch((error: unknown) => {
        // The host's own message names the node and the address already.
        throw new ClientError('refused', reasonOf(error), error);
      }),
      tooLate,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
