// tar as far as source archives need it: reading ustar, GNU and pax entries, and writing plain ustar.
// What is written holds regular files alone, so that no tar program on any host can be led astray by it.
import { type SourceFile, type SourceTree, SourceTreeBuilder } from './source-tree.js';

const BLOCK = 512;

/**
 * Reads an unpacked (no longer compressed) archive.
 * Links are refused where they lead outside; those within are left out, as no build needs them.
 * @param name how messages call it
 * @throws OperatorError `SOURCE_UNSAFE`, `SOURCE_TOO_LARGE`, `SOURCE_INCOMPLETE` (exit unsuitable)
 */
export function readTar(archive: Buffer, name: string): SourceTree {
  const tree = new SourceTreeBuilder(name);
  let longPath: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    at += BLOCK;
    if (header.every((byte) => byte === 0)) break;
    if (checksumOf(header) !== octal(header, 148, 8)) throw tree.unsafe('it is damaged, or no tar archive');
    const sizeBytes = octal(header, 124, 12);
    if (at + sizeBytes > archive.length) throw tree.unsafe('it is cut off');
    const content = archive.subarray(at, at + sizeBytes);
    at += Math.ceil(sizeBytes / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156]);
    if (type === 'L') longPath = text(content, 0, content.length);
    else if (type === 'x') longPath = paxPath(content) ?? longPath;
    else if (type !== 'g' && type !== 'K') {
      addEntry(tree, { header, type, content, path: longPath ?? pathOf(header) });
      longPath = undefined;
    }
  }
  return tree.build();
}

interface Entry {
  readonly header: Buffer;
  readonly type: string;
  readonly content: Buffer;
  readonly path: string;
}

function addEntry(tree: SourceTreeBuilder, { header, type, content, path }: Entry): void {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      tree.add(path, { content, executable: (octal(header, 100, 8) & 0o111) !== 0 });
      return;
    case '5':
      tree.checked(path);
      return;
    case '1':
    case '2': {
      const target = text(header, 157, 100);
      const from = type === '1' ? '' : path.slice(0, path.lastIndexOf('/') + 1);
      if (target.startsWith('/') || climbs(from + target)) {
        throw tree.unsafe(
          `the link ${JSON.stringify(path)} leads outside of it, to ${JSON.stringify(target)}`,
        );
      }
      tree.checked(path);
      return;
    }
    default:
      throw tree.unsafe(`${JSON.stringify(path)} is neither a file nor a folder`);
  }
}

/** Whether a path with `..` in it leaves the folder that it begins in. */
function climbs(path: string): boolean {
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

/**
 * All files with one time, so that make finds nothing older than what it was made from and calls no autoconf.
 * @param mtimeSec seconds since 1970
 */
export function writeTar(tree: SourceTree, mtimeSec: number): Buffer {
  const parts: Buffer[] = [];
  for (const [path, file] of [...tree].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    parts.push(headerFor(path, file, mtimeSec), file.content);
    parts.push(Buffer.alloc((BLOCK - (file.content.length % BLOCK)) % BLOCK));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}

function headerFor(path: string, file: SourceFile, mtimeSec: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const { prefix, name } = splitPath(path);
  header.write(name, 0, 100, 'utf8');
  writeOctal(header, 100, 8, file.executable ? 0o755 : 0o644);
  writeOctal(header, 108, 8, 0);
  writeOctal(header, 116, 8, 0);
  writeOctal(header, 124, 12, file.content.length);
  writeOctal(header, 136, 12, mtimeSec);
  header.write('0', 156);
  header.write('ustar\0' + '00', 257);
  header.write(prefix, 345, 155, 'utf8');
  writeOctal(header, 148, 8, checksumOf(header));
  return header;
}

/** ustar gives a name 100 bytes and the folders before it 155. */
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name };
  }
  throw new Error(`too long a path for a tar archive: ${path}`);
}

function writeOctal(header: Buffer, at: number, width: number, value: number): void {
  header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, width, 'latin1');
}

/** Of all bytes, with those of the sum itself taken as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at];
  return sum;
}

function octal(header: Buffer, at: number, width: number): number {
  const digits = text(header, at, width).trim();
  // Numbers beyond octal's reach (GNU's base 256) would mean a file of gigabytes.
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === '' ? 0 : Number.POSITIVE_INFINITY;
}

function pathOf(header: Buffer): string {
  const isUstar = text(header, 257, 5) === 'ustar' && header[262] === 0;
  const prefix = isUstar ? text(header, 345, 155) : '';
  const name = text(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function paxPath(content: Buffer): string | undefined {
  return /(?:^|\n)\d+ path=(.*)\n/.exec(content.toString('utf8'))?.[1];
}

function text(buffer: Buffer, at: number, width: number): string {
  const field = buffer.subarray(at, at + width);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}
