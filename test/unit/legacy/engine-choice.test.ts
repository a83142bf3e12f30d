// How a pair comes by its engine: the flag for a new one, the file for one that stands.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locatePair } from '../../../src/pair/config/locate.js';
import { parsePairFile } from '../../../src/pair/config/parse.js';
import { renderPairFile } from '../../../src/pair/config/write.js';

let folder: string;
let configFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'repcachectl-engine-'));
  configFile = join(folder, 'repcache.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const targets = { a: 'one', b: 'two' };
const NODES = 'nodes:\n  a: { host: one }\n  b: { host: two }\n';

describe('the engine', () => {
  it('is repcached unless the flag says otherwise, and is written down with how it runs', async () => {
    const plain = await locatePair({ configFile, targets }, { mayBeNew: true });
    expect(plain.config.engine).toBe('repcached');
    const selection = { configFile, targets, engine: 'legacy', verbatim: true } as const;
    const { config } = await locatePair(selection, { mayBeNew: true });
    const text = renderPairFile(config);
    expect(text).toContain('engine: legacy\nverbatim: true\n');
    expect(parsePairFile(text, 'repcache.yaml')).toMatchObject({ engine: 'legacy', verbatim: true });
    expect(renderPairFile(config, text)).toBe(text);
  });

  it('stays what it is while the pair stands, and can be changed once it is destroyed', async () => {
    await writeFile(configFile, `version: 1\nengine: legacy\npair: 0123456789abcdef\n${NODES}`);
    const change = locatePair({ configFile, engine: 'repcached' }, { mayBeNew: true });
    await expect(change).rejects.toMatchObject({ code: 'ENGINE_IS_FIXED', exitName: 'usage' });
    const same = await locatePair({ configFile, engine: 'legacy' }, { mayBeNew: true });
    expect(same.config.engine).toBe('legacy');
    await writeFile(configFile, `version: 1\nengine: legacy\n${NODES}`);
    const { config } = await locatePair({ configFile, engine: 'repcached' }, { mayBeNew: true });
    expect(config.engine).toBe('repcached');
  });

  it('of a pair on this machine is ours alone', async () => {
    const legacy = locatePair({ configFile, local: true, engine: 'legacy' }, { mayBeNew: true });
    await expect(legacy).rejects.toMatchObject({ exitName: 'usage' });
  });
});
