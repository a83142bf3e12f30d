// A node of the chaos test: its process, and the cable that its peer dials it by.
import type { TestNode } from '../../helpers/engine.js';
import type { Forwarder } from '../../helpers/forwarder.js';
import type { History } from './history.js';
import { ObservedNode, waitFor } from './observed-node.js';
import { KEYS } from './writer.js';

export class ChaosNode extends ObservedNode {
  readonly node: TestNode;
  /** Where the peer dials this node. */
  readonly cable: Forwarder;

  constructor(name: string, node: TestNode, cable: Forwarder, history: History) {
    super(name, { host: '127.0.0.1', port: node.port }, history);
    this.node = node;
    this.cable = cable;
  }

  /** Lets this node dial its peer by the peer's cable. */
  dials(peer: ChaosNode): void {
    this.node.flags = [...this.node.flags, '-X', `${this.node.replicationPort}:${peer.cable.port}`];
  }

  freeze(): void {
    this.freezes += 1;
    this.node.process.signal('SIGSTOP');
  }

  thaw(): void {
    this.node.process.signal('SIGCONT');
    this.freezes += 1;
  }

  /** kill -9. With `--repl-ack peer` the other node must have all that this one answered, if its log says so. */
  async kill(peer: ChaosNode): Promise<void> {
    await this.node.process.end('SIGKILL');
    const turns = this.node.process.log.match(/acknowledgement (works|degraded)/g);
    if (turns?.at(-1) === 'acknowledgement works') this.handOver(peer);
    this.loseMemory();
  }

  /** SIGTERM: in good order it has handed over what the peer lacks, and saved it all if it has -e. */
  async stop(peer: ChaosNode): Promise<void> {
    const peerLog = peer.node.process.log.length;
    await this.node.process.end('SIGTERM');
    if (this.node.process.log.includes(': saved ')) return;
    await waitFor(
      () => /link down/.test(peer.node.process.log.slice(peerLog)) || peer.node.process.hasExited,
      `${peer.name} to notice that ${this.name} was stopped`,
    ).catch(() => {});
    if (peer.node.process.log.slice(peerLog).includes('link down (the peer was stopped)'))
      this.handOver(peer);
    this.loseMemory();
  }

  async start(): Promise<void> {
    await this.node.start();
  }

  /** The same; and once it has its peer's data, it may serve nothing older. @returns what it serves that is */
  async startNotBehind(): Promise<string[]> {
    const mark = this.history.mark();
    await this.start();
    const contents = await this.contents();
    if (!/sync done(.|\n)*listening on/.test(this.node.process.log)) return [];
    return KEYS.flatMap((key) => {
      const problem = this.history.describeHeld(key, contents.get(key), mark);
      return problem === null ? [] : [`${key} on ${this.name} as it began to serve: ${problem}`];
    });
  }
}
