// What deploy writes can be read back, and what an operator wrote around it stays.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePairFile } from '../../../src/pair/config/parse.js';
import { renderPairFile, writePairFile } from '../../../src/pair/config/write.js';
import type { PairConfig } from '../../../src/pair/types.js';

const PAIR: PairConfig = {
  version: 1,
  engine: 'repcached',
  pair: '0123456789abcdef',
  local: false,
  memoryMb: 512,
  connections: 4096,
  threads: 1,
  nodes: {
    a: { name: 'a', host: 'one', user: 'ops', sshPort: 2222, port: 11211, replicationPort: 16000 },
    b: { name: 'b', host: 'two', address: '10.0.0.2', port: 11212, replicationPort: 16000 },
  },
};

describe('renderPairFile', () => {
  it('writes what parsePairFile reads', () => {
    expect(parsePairFile(renderPairFile(PAIR), 'f')).toEqual(PAIR);
  });

  it('leaves what is said of replication to the operator', () => {
    const pair: PairConfig = { ...PAIR, replication: { ack: 'peer', exclude: ['lock.*', '*.lock'] } };
    const text = renderPairFile(pair);
    expect(parsePairFile(text, 'f')).toEqual(pair);
    const commented = text.replace('ack: peer', 'ack: peer # sessions');
    expect(renderPairFile(pair, commented)).toBe(commented);
  });

  it('reads well', () => {
    expect(
      renderPairFile(PAIR),
    ).toBe(`# The pair that repcachectl deployed here; every verb reads it, deploy rewrites it (comments stay).
# It holds no secret: that one is on the hosts alone.

version: 1
engine: repcached
pair: 0123456789abcdef
port: 11211
replicationPort: 16000
memoryMb: 512
connections: 4096
threads: 1
nodes:
  a: { host: one, user: ops, sshPort: 2222 }
  b: { host: two, address: 10.0.0.2, port: 11212 }
`);
  });

  it('keeps comments and order, and sets only what differs', () => {
    const existing = `# ours
nodes: # both in rack 4
  b:
    host: two
    port: 11212
    address: 10.0.0.2
  a: { host: one, user: ops, sshPort: 2222 }   # the old box
memoryMb: 64 # small
version: 1
`;
    const text = renderPairFile(PAIR, existing);
    expect(parsePairFile(text, 'f')).toEqual(PAIR);
    expect(text).toContain('# ours\n');
    expect(text).toContain('# both in rack 4');
    expect(text).toContain('memoryMb: 512 # small');
    expect(text).not.toContain('connections');
    expect(text.indexOf('nodes')).toBeLessThan(text.indexOf('version'));
  });

  it('changes not a byte when nothing differs', () => {
    const existing = renderPairFile(PAIR).replace('memoryMb: 512', 'memoryMb:    512');
    expect(renderPairFile(PAIR, existing)).toBe(existing);
  });

  it('removes what no longer holds', () => {
    const existing = renderPairFile(PAIR);
    const { address: _, ...b } = PAIR.nodes.b;
    const moved = { ...PAIR, nodes: { ...PAIR.nodes, b } };
    expect(parsePairFile(renderPairFile(moved, existing), 'f')).toEqual(moved);
  });
});

describe('writePairFile', () => {
  it('replaces the file and leaves nothing beside it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'repcachectl-'));
    try {
      const path = join(folder, 'new', 'repcache.yaml');
      await writePairFile(path, 'one');
      await writePairFile(path, 'two');
      expect(await readFile(path, 'utf8')).toBe('two');
      expect(await readdir(join(folder, 'new'))).toEqual(['repcache.yaml']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
