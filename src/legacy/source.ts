// Gets repcached's source from a file, a folder or an address, and checks that it is what was asked for.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { OperatorError } from '../errors.js';
import { MAX_TREE_BYTES, type SourceTree, SourceTreeBuilder } from './source-tree.js';
import { readTar } from './tar.js';

/** repcached 2.2.1 on memcached 1.2.8, where its authors keep it. */
export const DEFAULT_SOURCE =
  'https://downloads.sourceforge.net/project/repcached/repcached/2.2.1-1.2.8/memcached-1.2.8-repcached-2.2.1.tar.gz';

/** The archive has 300 kB. */
const MAX_ARCHIVE_BYTES = 32 * 2 ** 20;
const DOWNLOAD_TIMEOUT_MS = 120_000;

export interface SourceOptions {
  /** File, folder or http(s) address. */
  readonly source: string;
  /** 64 hex digits that the archive must have; not possible for a folder. */
  readonly sha256?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Source {
  readonly tree: SourceTree;
  /** Of the archive, or of a folder's files: the same source has the same. */
  readonly sha256: string;
}

/**
 * @throws OperatorError `SOURCE_NOT_FOUND`, `SHA256_OF_FOLDER` (exit usage), `DOWNLOAD_FAILED` (exit connection),
 *   `SHA256_DIFFERS`, `SOURCE_UNSAFE`, `SOURCE_TOO_LARGE`, `SOURCE_INCOMPLETE` (exit unsuitable)
 */
export async function getSource(options: SourceOptions): Promise<Source> {
  const { source, sha256: wanted } = options;
  const isAddress = /^https?:\/\//.test(source);
  if (!isAddress && (await isFolder(source))) {
    if (wanted !== undefined) throw sha256OfFolder(source);
    const tree = await readFolder(source);
    return { tree, sha256: treeDigest(tree) };
  }
  const archive = isAddress ? await download(source, options.signal) : await readArchive(source);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  if (wanted !== undefined && sha256 !== wanted.toLowerCase()) throw differs(source, sha256, wanted);
  return { tree: readTar(await unpacked(archive, source), basename(source)), sha256 };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw notFound(path, cause);
  }
}

async function readArchive(path: string): Promise<Buffer> {
  try {
    if ((await stat(path)).size > MAX_ARCHIVE_BYTES) throw new SourceTreeBuilder(path).tooLarge();
    return await readFile(path);
  } catch (cause) {
    throw cause instanceof OperatorError ? cause : notFound(path, cause);
  }
}

/** Compressed or not; an archive that would fill the memory is stopped while it is unpacked. */
async function unpacked(archive: Buffer, source: string): Promise<Buffer> {
  const isGzip = archive[0] === 0x1f && archive[1] === 0x8b;
  if (!isGzip) return archive;
  try {
    return await promisify(gunzip)(archive, { maxOutputLength: 2 * MAX_TREE_BYTES });
  } catch (cause) {
    const builder = new SourceTreeBuilder(basename(source));
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge ? builder.tooLarge() : builder.unsafe('it is damaged, or no gzip archive');
  }
}

async function download(address: string, signal: AbortSignal): Promise<Buffer> {
  const limit = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
  try {
    const response = await fetch(address, { signal: AbortSignal.any([signal, limit]) });
    if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const part of response.body ?? []) {
      sizeBytes += part.length;
      if (sizeBytes > MAX_ARCHIVE_BYTES)
        throw new Error('the answer is far larger than the source of repcached');
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (cause) {
    signal.throwIfAborted();
    throw new OperatorError(`the source could not be downloaded from ${address}`, {
      code: 'DOWNLOAD_FAILED',
      exit: 'connection',
      suggestions: [
        'this machine needs the internet for it, the hosts do not',
        'or bring the archive by hand, and name it: --source FILE',
      ],
      cause,
    });
  }
}

/** What version control and earlier builds leave beside the source. */
const LEFT_OUT = new Set(['.git', '.svn', '.deps', 'autom4te.cache']);

async function readFolder(folder: string): Promise<SourceTree> {
  const tree = new SourceTreeBuilder(folder);
  const walk = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (LEFT_OUT.has(entry.name) || entry.name.endsWith('.o')) continue;
      if (entry.isDirectory()) await walk(below);
      // Links are left out: in a folder they may lead anywhere.
      if (!entry.isFile()) continue;
      const { mode, size } = await stat(join(folder, below));
      if (size > MAX_TREE_BYTES) throw tree.tooLarge();
      tree.add(below, { content: await readFile(join(folder, below)), executable: (mode & 0o111) !== 0 });
    }
  };
  await walk('');
  return tree.build();
}

function treeDigest(tree: SourceTree): string {
  const hash = createHash('sha256');
  for (const path of [...tree.keys()].sort()) {
    const { content, executable } = tree.get(path)!;
    hash.update(`${path}\0${content.length}\0${executable}\0`).update(content);
  }
  return hash.digest('hex');
}

function notFound(path: string, cause: unknown): OperatorError {
  return new OperatorError(`the source ${path} could not be read`, {
    code: 'SOURCE_NOT_FOUND',
    exit: 'usage',
    suggestions: ['--source takes an archive (.tar.gz), an unpacked folder, or an http(s) address'],
    cause,
  });
}

function sha256OfFolder(path: string): OperatorError {
  return new OperatorError(`${path} is a folder: only an archive has one SHA-256`, {
    code: 'SHA256_OF_FOLDER',
    exit: 'usage',
    suggestions: ['leave --sha256 out, or name the archive'],
  });
}

function differs(source: string, sha256: string, wanted: string): OperatorError {
  return new OperatorError(`${source} has SHA-256 ${sha256}, not ${wanted}`, {
    code: 'SHA256_DIFFERS',
    exit: 'unsuitable',
    suggestions: ['get the archive anew; should it be the same again, it is not the one you mean'],
  });
}
