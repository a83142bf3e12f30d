// Which Debian this machine installs from, by its own apt configuration; no mirror is written down here.
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

export interface BootstrapSource {
  /** Base address of the archive, as debootstrap wants it. */
  readonly uri: string;
  readonly codename: string;
}

/**
 * The archive of this machine's own release.
 * @throws when apt has no usable list, even after `apt-get update`.
 */
export async function bootstrapSource(): Promise<BootstrapSource> {
  const codename = await ownCodename();
  const source = (await findSource(codename)) ?? (await updateLists().then(() => findSource(codename)));
  if (source === undefined) throw new Error(`apt knows no source with ${codename}/main; see /etc/apt`);
  return source;
}

/** Refreshes apt's lists, as those of a machine that has been off for long name packages that are gone. */
export async function updateLists(): Promise<void> {
  await execa('apt-get', ['update'], { stdin: 'ignore' });
}

async function findSource(codename: string): Promise<BootstrapSource | undefined> {
  const format = '$(CREATED_BY) $(CODENAME) $(COMPONENT) $(REPO_URI)';
  const { stdout } = await execa('apt-get', ['indextargets', '--format', format]);
  const wanted = `Packages ${codename} main `;
  const line = stdout.split('\n').find((candidate) => candidate.startsWith(wanted));
  return line === undefined ? undefined : { uri: line.slice(wanted.length).trim(), codename };
}

async function ownCodename(): Promise<string> {
  const osRelease = await readFile('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(osRelease)?.[1];
  if (codename === undefined)
    throw new Error('/etc/os-release names no VERSION_CODENAME; the lab needs a Debian');
  return codename;
}
