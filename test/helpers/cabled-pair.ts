// A pair in sync whose nodes reach each other through a cable only, which the test cuts and joins.
import { startPair, type TestNode, withPair } from './engine.js';
import { Forwarder } from './forwarder.js';

export interface CabledPair {
  readonly a: TestNode;
  readonly b: TestNode;
  /** Makes the cable slow, until it is joined or cut. */
  slow(): void;
  /** Waits until both have noticed. */
  cut(): Promise<void>;
  /** Makes the cable whole. @returns what A says when both are in sync again */
  join(): Promise<string>;
}

/** @param flags more flags for both nodes */
export async function withCabledPair(
  flags: readonly string[],
  callback: (pair: CabledPair) => Promise<void>,
): Promise<void> {
  await withPair(
    async ({ a, b }) => {
      const cables = await Promise.all([a, b].map((node) => Forwarder.start(node.replicationPort)));
      const [toA, toB] = cables;
      a.flags = [...flags, '-x', '127.0.0.1', '-X', `${a.replicationPort}:${toB.port}`];
      b.flags = [...flags, '-x', '127.0.0.1', '-X', `${b.replicationPort}:${toA.port}`];
      try {
        await startPair(a, b);
        await callback({
          a,
          b,
          slow: () => {
            for (const cable of cables) cable.state = 'slow';
          },
          cut: async () => {
            for (const cable of cables) cable.state = 'cut';
            await Promise.all([a, b].map((node) => node.process.waitForLog(/link down/)));
          },
          join: async () => {
            for (const cable of cables) cable.state = 'whole';
            const [line] = await Promise.all([a, b].map((node) => node.process.waitForLog(/sync done/)));
            return line;
          },
        });
      } finally {
        await Promise.all(cables.map((cable) => cable.close()));
      }
    },
    { start: false },
  );
}
