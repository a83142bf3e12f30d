// Copying a built program between two folders that stand for hosts: the real scripts, with a shell script as the program.
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FileOptions } from '../../../src/host/host.js';
import { refuseUnlike } from '../../../src/legacy/alike.js';
import { type BuildWish, LegacySource } from '../../../src/legacy/build.js';
import { copyBuild, copySteps } from '../../../src/legacy/copy-build.js';
import { BUILD_RECORD, PREFIX, PROGRAM } from '../../../src/legacy/layout.js';
import { runSteps } from '../../../src/pair/deploy/install.js';
import { buildOnce } from '../../../src/pair/legacy/build-once.js';
import type { Progress } from '../../../src/pair/progress.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { FolderHost } from './folder-host.js';

const SIGNAL = new AbortController().signal;
const RUNS_ANYWHERE = 'echo "repcached 2.2.1"';
const NEEDS_WHAT_A_HAS = `case $0 in
  */a/*) echo "repcached 2.2.1";;
  *) echo "error while loading shared libraries: libevent-2.1.so.7: cannot open shared object file" >&2; exit 127;;
esac`;
const WISH: BuildWish = {
  source: new LegacySource({ source: '/nowhere', signal: SIGNAL }),
  rebuild: false,
};

type Hosts = Record<'a' | 'b', FolderHost>;

function withHosts<T>(callback: (hosts: Hosts) => Promise<T>): Promise<T> {
  return withFolder((folder) =>
    callback({ a: debianIn('a', `${folder}/a`), b: debianIn('b', `${folder}/b`) }),
  );
}

/** As Debian 12 answers: its libc has its files without /usr, its libevent with it; what is installed is in /etc/packages. */
function debianIn(name: string, folder: string): FolderHost {
  const host = new FolderHost(name, folder);
  host.file('/etc/os-release', 'ID=debian\nVERSION_ID="12"\n');
  host.file('/etc/packages', 'libc6\n');
  host.program('/bin/uname', 'echo x86_64');
  const lib = '/lib/x86_64-linux-gnu';
  const lines = ['linux-vdso.so.1 (0x7ffc)', `libevent-2.1.so.7 => ${lib}/libevent-2.1.so.7 (0x7f1)`];
  lines.push(`libc.so.6 => ${lib}/libc.so.6 (0x7f2)`, 'libown.so => /opt/own/libown.so (0x7f3)');
  host.program('/bin/ldd', lines.map((line) => `echo '	${line}'`).join('\n'));
  host.program(
    '/bin/dpkg-query',
    `case "$1 $2" in
      '-S /usr${lib}/libevent-2.1.so.7') echo "libevent-2.1-7:amd64: $2";;
      '-S ${lib}/libc.so.6') echo "diversion by mine from: $2"; echo "libc6:amd64: $2";;
      '-W -f') grep -qx "$4" ${folder}/etc/packages && echo 'ii ';;
      *) exit 1;;
    esac`,
  );
  host.program(
    '/bin/apt-get',
    `[ "$1" = update ] || for name; do echo "$name"; done >>${folder}/etc/packages`,
  );
  return host;
}

function build(host: FolderHost, program: string): void {
  host.program(PROGRAM, program);
  host.file(`${PREFIX}/share/man/memcached.1`, 'the manual\n');
  host.file(BUILD_RECORD, 'source sha256 c0ffee\n');
}

/** What neither a copy that worked nor one that failed may leave. */
function expectNothingLeft({ a, b }: Hosts): void {
  for (const { folder } of [a, b]) {
    expect(readdirSync(`${folder}/var/tmp`)).toEqual([]);
    expect(readdirSync(`${folder}/usr/local`).filter((name) => name !== 'repcached')).toEqual([]);
  }
}

const copy = (from: FolderHost, to: FolderHost) =>
  runSteps(copySteps(from, to, WISH), { dryRun: false, signal: SIGNAL, say: () => {} });

describe('a copied build', () => {
  it('arrives whole, with the libraries that it needs and the record of its source', () =>
    withHosts(async (hosts) => {
      const { a, b } = hosts;
      build(a, RUNS_ANYWHERE);
      expect(await copy(a, b)).toMatchObject([
        { title: 'Libraries of the program', difference: 'libevent-2.1-7 missing' },
        { title: 'Copy of the build', difference: expect.stringContaining('copied from a: same system') },
      ]);
      expect(b.read('/etc/packages').split('\n')).toContain('libevent-2.1-7');
      expect(b.read(PROGRAM)).toBe(a.read(PROGRAM));
      expect(b.read(`${PREFIX}/share/man/memcached.1`)).toBe('the manual\n');
      expect(b.read(BUILD_RECORD)).toBe('source sha256 c0ffee\ncopied from 127.0.0.1\n');
      expectNothingLeft(hosts);
    }));

  it('is not copied again', () =>
    withHosts(async ({ a, b }) => {
      build(a, RUNS_ANYWHERE);
      await copy(a, b);
      expect(await copy(a, b)).toEqual([]);
    }));

  it('is not put into place where it does not start', () =>
    withHosts(async (hosts) => {
      const { a, b } = hosts;
      build(a, NEEDS_WHAT_A_HAS);
      build(b, 'echo older');
      await expect(copyBuild(a, b)).rejects.toMatchObject({
        code: 'COPY_FAILED',
        message: expect.stringMatching(
          /^b: copying repcached from a failed at "try it":[\s\S]*libevent-2\.1\.so\.7/,
        ),
        suggestions: expect.arrayContaining([expect.stringContaining(`ldd ${PROGRAM}`)]),
      });
      expect(b.read(PROGRAM)).toContain('older');
      expectNothingLeft(hosts);
    }));

  it('is refused when it was changed on its way to the host', () =>
    withHosts(async (hosts) => {
      const { a, b } = hosts;
      build(a, RUNS_ANYWHERE);
      const put = b.putFile.bind(b);
      b.putFile = async (localPath: string, path: string, options: FileOptions) => {
        await put(localPath, path, options);
        await b.run(['sh', '-c', 'printf x | dd of="$1" bs=1 seek=600 conv=notrunc', 'sh', path]);
      };
      await expect(copyBuild(a, b)).rejects.toThrow(/failed at "checksum":[\s\S]*arrived with checksum/);
      expect(existsSync(b.folder + PROGRAM)).toBe(false);
      expectNothingLeft(hosts);
    }));

  it('is refused when it was changed on its way from the host', () =>
    withHosts(async (hosts) => {
      const { a, b } = hosts;
      build(a, RUNS_ANYWHERE);
      a.program('/bin/base64', 'echo something else | /usr/bin/base64');
      await expect(copyBuild(a, b)).rejects.toThrow(/^a: \/usr\/local\/repcached arrived here with checksum/);
      expect(b.ran).toEqual([]);
      expectNothingLeft(hosts);
    }));

  it('is refused when far more than a build lies there', () =>
    withHosts(async (hosts) => {
      const { a, b } = hosts;
      build(a, RUNS_ANYWHERE);
      await a.run(['truncate', '-s', '70M', `${PREFIX}/dump`]);
      await expect(copyBuild(a, b)).rejects.toThrow('more than a build of repcached');
      expectNothingLeft(hosts);
    }));
});

describe('hosts', () => {
  it('are alike by system, version and architecture', () =>
    withHosts(({ a, b }) => expect(refuseUnlike(a, b)).resolves.toBeUndefined()));

  it('that are not alike are refused with all that differs', () =>
    withHosts(async ({ a, b }) => {
      b.file('/etc/os-release', 'ID=debian\nVERSION_ID="13"\n');
      b.program('/bin/uname', 'echo aarch64');
      await expect(refuseUnlike(a, b)).rejects.toMatchObject({
        code: 'HOSTS_NOT_ALIKE',
        exitName: 'unsuitable',
        message:
          "a and b are not alike, so a build can't be copied:\n" +
          '  VERSION_ID of /etc/os-release: a 12, b 13\n  architecture: a x86_64, b aarch64',
      });
    }));
});

describe('a build for both hosts', () => {
  /** What the task list would show. */
  function listed(): { progress: Progress; lines: string[] } {
    const lines: string[] = [];
    const step: Progress['step'] = async (title, run) => {
      let last = '';
      const result = await run((detail) => {
        last = detail;
      });
      lines.push(`${title}: ${last}`);
      return result;
    };
    return { progress: { step, both: () => Promise.reject(new Error('not part of this test')) }, lines };
  }

  it('is copied from the one that has it', () =>
    withHosts(async ({ a, b }) => {
      build(b, RUNS_ANYWHERE);
      const { progress, lines } = listed();
      const changes = await buildOnce({ a, b }, WISH, { dryRun: false, signal: SIGNAL, progress });
      expect(lines).toEqual(['Program for a: copied from b: same system']);
      expect(changes.a.map(({ needsRestart }) => needsRestart)).toEqual([false, true]);
      expect(changes.b).toEqual([]);
      expect(a.read(PROGRAM)).toBe(b.read(PROGRAM));
    }));

  it('is foreseen without changing anything', () =>
    withHosts(async ({ a, b }) => {
      const { progress, lines } = listed();
      const changes = await buildOnce({ a, b }, WISH, { dryRun: true, signal: SIGNAL, progress });
      expect(lines).toEqual([
        'Build on a: Packages for the build, Build of repcached',
        'Program for b: to be copied from a: same system',
      ]);
      expect(changes.b.map(({ title }) => title)).toEqual(['Libraries of the program', 'Copy of the build']);
      for (const host of [a, b]) expect(readdirSync(`${host.folder}/usr/local`)).toEqual([]);
    }));

  it('needs nothing where both have it', () =>
    withHosts(async ({ a, b }) => {
      build(a, RUNS_ANYWHERE);
      build(b, RUNS_ANYWHERE);
      const { progress, lines } = listed();
      const changes = await buildOnce({ a, b }, WISH, { dryRun: false, signal: SIGNAL, progress });
      expect({ changes, lines }).toEqual({ changes: { a: [], b: [] }, lines: [] });
    }));
});
