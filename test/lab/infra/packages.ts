// The packages that lab hosts can install: fetched once with everything they depend on beyond the image,
// and indexed as a flat apt repository, which the lab's mirror serves.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { LabLayout } from './layout.js';
import { updateLists } from './package-sources.js';

/** rsync and memcached as ordinary examples; a firewall; the others build a C program on a host. */
const PACKAGES = ['rsync', 'memcached', 'nftables', 'gcc', 'libc6-dev', 'make', 'patch', 'libevent-dev'];

/**
 * Folder of the flat repository (`*.deb` and `Packages`) for hosts that boot from `image`, made when there is none.
 * @throws when a package cannot be fetched.
 */
export async function ensurePackages(layout: LabLayout, image: string): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([path.basename(image), PACKAGES]))
    .digest('hex');
  const repository = path.join(layout.cacheDir, `packages-${key.slice(0, 12)}`);
  if (existsSync(repository)) return repository;

  const building = await mkdtemp(path.join(layout.cacheDir, 'building-'));
  try {
    const folder = path.join(building, 'packages');
    await mkdir(path.join(folder, 'partial'), { recursive: true });
    await download(folder, image).catch(async () => {
      await updateLists();
      await download(folder, image);
    });
    await rm(path.join(folder, 'partial'), { recursive: true, force: true });
    await rm(path.join(folder, 'lock'), { force: true });
    await dropEpochs(folder);
    await writeFile(path.join(folder, 'Packages'), await indexOf(folder));
    await rename(folder, repository).catch((error: unknown) => {
      if (!existsSync(repository)) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return repository;
}

/** Asks this machine's apt what the image lacks, by giving it the image's package database for its own. */
async function download(folder: string, image: string): Promise<void> {
  const options = [
    `Dir::State::status=${path.join(image, 'var/lib/dpkg/status')}`,
    `Dir::Cache::archives=${folder}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'Debug::NoLocking=1',
    'APT::Sandbox::User=root',
    'APT::Install-Recommends=false',
  ];
  const args = options.flatMap((option) => ['-o', option]);
  await execa('apt-get', [...args, '--yes', '--download-only', 'install', ...PACKAGES], { stdin: 'ignore' });
}

/** Drops the epoch (`_1%3a2.0` -> `_2.0`) from file names, as Debian's archive does: no name needs escaping then. */
async function dropEpochs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    await rename(path.join(folder, name), path.join(folder, name.replace(/_\d+%3a/, '_')));
  }
}

/** The `Packages` file: each package's control paragraph plus where it is and its checksum. */
async function indexOf(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.deb')).sort();
  const paragraphs = await Promise.all(
    files.map(async (name) => {
      const content = await readFile(path.join(folder, name));
      const { stdout: control } = await execa('dpkg-deb', ['--field', path.join(folder, name)]);
      const sha256 = createHash('sha256').update(content).digest('hex');
      return `${control}\nFilename: ./${name}\nSize: ${content.length}\nSHA256: ${sha256}\n`;
    }),
  );
  return paragraphs.join('\n');
}
