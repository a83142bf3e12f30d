// known_hosts, read by the system's own ssh-keygen (hashed names, wildcards, [host]:port, markers) and added to by us.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';

/** One line of a known_hosts file that is about the host in question. */
export interface KnownKey {
  readonly type: string;
  /** The key as the file has it, base64. */
  readonly key: string;
  readonly revoked: boolean;
  readonly file: string;
  readonly line: number;
}

export type Verdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  /** `at` is the line that contradicts the key that was offered. */
  | { readonly kind: 'changed' | 'revoked'; readonly at: KnownKey };

/** All keys that the given files have for a name, in the files' order. Files that are not there are skipped. */
export async function findKnownKeys(name: string, files: readonly string[]): Promise<KnownKey[]> {
  const found = await Promise.all(files.map((file) => findInFile(name, file)));
  return found.flat();
}

async function findInFile(name: string, file: string): Promise<KnownKey[]> {
  const result = await execa('ssh-keygen', ['-F', name, '-f', file], { reject: false, stdin: 'ignore' });
  const keys: KnownKey[] = [];
  let line = 0;
  let marker = '';
  for (const text of result.stdout.split('\n')) {
    const heading = /^# Host .* found: line (\d+) *(\w*)/.exec(text);
    if (heading !== null) {
      line = Number(heading[1]);
      marker = heading[2];
      continue;
    }
    const words = text.split(' ').filter((word) => word !== '');
    if (words[0]?.startsWith('@')) words.shift();
    const [, type, key] = words;
    // Certificates of hosts are not asked for, so a line that only names their authority proves nothing.
    if (type === undefined || key === undefined || marker === 'CA') continue;
    keys.push({ type, key, revoked: marker === 'REVOKED', file, line });
  }
  return keys;
}

/**
 * Judges an offered key. A host that is known by keys of other types only counts as changed: since those types are
 * asked for first, it did have the choice.
 */
export function judgeHostKey(known: readonly KnownKey[], offered: Uint8Array): Verdict {
  const key = Buffer.from(offered).toString('base64');
  const same = known.filter((entry) => entry.key === key);
  const revoked = same.find((entry) => entry.revoked);
  if (revoked !== undefined) return { kind: 'revoked', at: revoked };
  if (same.length > 0) return { kind: 'known' };
  const others = known.filter((entry) => !entry.revoked);
  const type = hostKeyType(offered);
  const at = others.find((entry) => entry.type === type) ?? others[0];
  return at === undefined ? { kind: 'unknown' } : { kind: 'changed', at };
}

/** `SHA256:...`, as ssh and ssh-keygen show it. */
export function hostKeyFingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key names in its own first field, such as `ssh-ed25519`. */
export function hostKeyType(key: Uint8Array): string {
  const buffer = Buffer.from(key);
  return buffer.subarray(4, 4 + buffer.readUInt32BE(0)).toString('latin1');
}

/** Adds a key to a known_hosts file, creating it as ssh would; the name is hashed where HashKnownHosts wants it so. */
export async function addKnownHost(
  file: string,
  name: string,
  key: Uint8Array,
  options: { hash: boolean },
): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const existing = await readFile(file, 'utf8').catch(() => '');
  const newline = existing === '' || existing.endsWith('\n') ? '' : '\n';
  const entry = `${options.hash ? hashedName(name) : name} ${hostKeyType(key)} ${Buffer.from(key).toString('base64')}\n`;
  // One append, so that two hosts accepted at the same moment do not mix their lines.
  await appendFile(file, newline + entry, { mode: 0o600 });
}

function hashedName(name: string): string {
  const salt = randomBytes(20);
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

/** Host key algorithms by preference, for a host whose keys of some types are known: those types first, as ssh does. */
export function hostKeyAlgorithms(known: readonly KnownKey[]): string[] {
  const types = new Set(known.filter((entry) => !entry.revoked).map((entry) => entry.type));
  const ofKnownType = (algorithm: string): boolean =>
    types.has(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm);
  return [...ALGORITHMS.filter(ofKnownType), ...ALGORITHMS.filter((algorithm) => !ofKnownType(algorithm))];
}

/** OpenSSH's own order, less what it has given up (RSA with SHA-1, DSA). */
const ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
