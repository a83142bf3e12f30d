// Getting the source: archives made by the real tar, unsafe ones made by hand, folders, addresses.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getSource } from '../../../src/legacy/source.js';
import { patchedTree } from '../../../src/legacy/source-tree.js';
import { readTar, writeTar } from '../../../src/legacy/tar.js';

const signal = new AbortController().signal;
const GUARDED =
  '#ifndef IOV_MAX\n#if defined(__FreeBSD__) || defined(__APPLE__)\n# define IOV_MAX 1024\n#endif\n#endif\n';
const DEEP = `doc/${'a-long-folder-name/'.repeat(6)}readme-with-a-long-name.txt`;

let folder: string;
let archive: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'legacy-source-'));
  const top = join(folder, 'repcached-2.2.1');
  await mkdir(join(top, DEEP, '..'), { recursive: true });
  await writeFile(join(top, 'configure'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(top, 'memcached.c'), GUARDED);
  await writeFile(join(top, DEEP), Buffer.from([0, 255, 10]));
  archive = join(folder, 'source.tar.gz');
  execFileSync('tar', ['-C', folder, '-czf', archive, 'repcached-2.2.1']);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('an archive', () => {
  it.each(['gnu', 'ustar', 'pax', 'v7'])('of tar format %s is read whole', async (format) => {
    const path = join(folder, `${format}.tar`);
    // The oldest format has no room for long names.
    const left = format === 'v7' ? ['--exclude=doc'] : [];
    execFileSync('tar', ['-C', folder, ...left, `--format=${format}`, '-cf', path, 'repcached-2.2.1']);
    const { tree } = await getSource({ source: path, signal });
    expect(tree.get('configure')).toMatchObject({ executable: true });
    expect(tree.get('memcached.c')).toMatchObject({ executable: false, content: Buffer.from(GUARDED) });
    if (format !== 'v7') expect(tree.get(DEEP)?.content).toEqual(Buffer.from([0, 255, 10]));
  });

  it('is checked against a SHA-256', async () => {
    const sha256 = createHash('sha256')
      .update(await readFile(archive))
      .digest('hex');
    expect(await getSource({ source: archive, sha256: sha256.toUpperCase(), signal })).toMatchObject({
      sha256,
    });
    const wrong = getSource({ source: archive, sha256: '0'.repeat(64), signal });
    await expect(wrong).rejects.toThrow(`has SHA-256 ${sha256}`);
  });

  it('is written so that the real tar unpacks the patched tree', async () => {
    const { tree } = patchedTree((await getSource({ source: archive, signal })).tree);
    const out = join(folder, 'out');
    await mkdir(out);
    execFileSync('tar', ['-xof', '-', '-C', out], { input: writeTar(tree, 1_262_304_000) });
    expect(await readFile(join(out, 'memcached.c'), 'utf8')).toBe(
      '#ifndef IOV_MAX\n# define IOV_MAX 1024\n#endif\n',
    );
    expect(await readFile(join(out, DEEP))).toEqual(Buffer.from([0, 255, 10]));
    execFileSync(join(out, 'configure'));
  });

  it.each([
    ['an absolute path', { path: '/etc/passwd' }, 'lies outside'],
    ['a path that climbs', { path: 'top/../../evil' }, 'lies outside'],
    ['a link to an absolute path', { path: 'top/link', type: '2', target: '/etc' }, 'leads outside'],
    ['a link that climbs', { path: 'top/link', type: '2', target: '../../x' }, 'leads outside'],
    ['a hard link that climbs', { path: 'top/link', type: '1', target: '../x' }, 'leads outside'],
    ['a device', { path: 'top/null', type: '3' }, 'neither a file nor a folder'],
  ])('with %s is refused', (_, entry, message) => {
    expect(() => readTar(withEntry(entry), 'evil.tar')).toThrow(message);
  });

  it('with a link inside itself is read without it', () => {
    const tree = readTar(withEntry({ path: 'top/doc/link', type: '2', target: '../memcached.c' }), 'x.tar');
    expect([...tree.keys()].sort()).toEqual(['configure', 'memcached.c']);
  });

  it('that is damaged, cut off, or none at all is refused', async () => {
    const tar = withEntry({ path: 'top/x' });
    const damaged = Buffer.from(tar);
    damaged[3] ^= 1;
    expect(() => readTar(damaged, 'x')).toThrow('damaged');
    expect(() => readTar(tar.subarray(0, 1024), 'x')).toThrow('cut off');
    const path = join(folder, 'cut.tar.gz');
    await writeFile(path, (await readFile(archive)).subarray(0, 40));
    await expect(getSource({ source: path, signal })).rejects.toThrow('damaged');
  });

  it('that would fill the memory is stopped', async () => {
    const path = join(folder, 'bomb.tar.gz');
    await writeFile(path, gzipSync(Buffer.alloc(130 * 2 ** 20), { level: 1 }));
    await expect(getSource({ source: path, signal })).rejects.toThrow('holds more than 64 MB');
  });

  it('of something else is refused', async () => {
    const path = join(folder, 'other.tar');
    execFileSync('tar', ['-C', join(folder, 'repcached-2.2.1'), '-cf', path, 'doc']);
    await expect(getSource({ source: path, signal })).rejects.toThrow('no configure and no memcached.c');
  });
});

describe('a folder', () => {
  it('is read without links and what earlier builds left, and has a digest of its own', async () => {
    const top = join(folder, 'repcached-2.2.1');
    const before = await getSource({ source: top, signal });
    await writeFile(join(top, 'memcached.o'), 'old');
    await mkdir(join(top, '.git'), { recursive: true });
    await writeFile(join(top, '.git/config'), 'x');
    await symlink('/etc/passwd', join(top, 'passwd'));
    const after = await getSource({ source: top, signal });
    expect([...after.tree.keys()].sort()).toEqual(['configure', DEEP, 'memcached.c'].sort());
    expect(after.sha256).toBe(before.sha256);
    await expect(getSource({ source: top, sha256: '0'.repeat(64), signal })).rejects.toThrow('is a folder');
  });

  it('that is not there is a usage error', async () => {
    await expect(getSource({ source: '/nonexistent.tgz', signal })).rejects.toMatchObject({
      exitName: 'usage',
    });
  });
});

describe('an address', () => {
  it('is downloaded; an error of the server is said', async () => {
    const content = await readFile(archive);
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/source.tar.gz' ? 200 : 404;
      response.end(request.url === '/source.tar.gz' ? content : 'nothing here');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { tree } = await getSource({ source: `http://127.0.0.1:${port}/source.tar.gz`, signal });
      expect(tree.has('memcached.c')).toBe(true);
      const missing = getSource({ source: `http://127.0.0.1:${port}/gone`, signal });
      await expect(missing).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', cause: { message: /404/ } });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

/** A tar archive of `top/configure`, `top/memcached.c` and one entry more, with right checksums. */
function withEntry(entry: { path: string; type?: string; target?: string }): Buffer {
  const file = { content: Buffer.from('x'), executable: false };
  const whole = writeTar(
    new Map([
      ['top/configure', file],
      ['top/memcached.c', file],
    ]),
    0,
  );
  const [header] = [
    Buffer.from(writeTar(new Map([['x', { ...file, content: Buffer.alloc(0) }]]), 0).subarray(0, 512)),
  ];
  header.fill(0, 0, 100).write(entry.path, 0);
  header.write(entry.type ?? '0', 156);
  header.write(entry.target ?? '', 157);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, whole]);
}
