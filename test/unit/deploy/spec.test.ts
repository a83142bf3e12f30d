// What repcache.yaml says of replication, as flags of the engine.
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/engine/server/options.js';
import { replicationFlags } from '../../../src/pair/deploy/spec.js';
import type { PairConfig, ReplicationConfig } from '../../../src/pair/types.js';

function flagsFor(replication?: ReplicationConfig): string[] {
  const node = { host: 'h', port: 11211, replicationPort: 16000 };
  const config: PairConfig = {
    version: 1,
    engine: 'repcached',
    local: false,
    memoryMb: 64,
    connections: 1,
    threads: 1,
    nodes: { a: { ...node, name: 'a' }, b: { ...node, name: 'b' } },
    ...(replication && { replication }),
  };
  return replicationFlags(config);
}

describe('what repcache.yaml says of replication', () => {
  it('is no flag where it says nothing', () => {
    expect(flagsFor()).toEqual([]);
    expect(flagsFor({})).toEqual([]);
  });

  it('is understood by the engine', () => {
    const flags = flagsFor({ ack: 'peer', exclude: ['lock.*', '*.lock'], flush: 'local' });
    const command = parseCommandLine(['-x', '127.0.0.1', ...flags]);
    expect(command).toMatchObject({
      kind: 'run',
      options: { replication: { ack: 'peer', localKeys: ['lock.*', '*.lock'], flush: 'local' } },
    });
  });
});
