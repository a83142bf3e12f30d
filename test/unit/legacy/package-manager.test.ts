// The package manager and the packages that each distribution's os-release leads to.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packageManagerFor, parseOsRelease } from '../../../src/legacy/package-manager.js';

const managerOf = (fixture: string) => {
  const url = new URL(`../../fixtures/os-release/${fixture}`, import.meta.url);
  return packageManagerFor(parseOsRelease(readFileSync(url, 'utf8')));
};

describe('the package manager', () => {
  it.each([
    ['centos-7', 'yum', 'libevent-devel'],
    ['rocky-8', 'dnf', 'libevent-devel'],
    ['rocky-9', 'dnf', 'libevent-devel'],
    ['fedora', 'dnf', 'libevent-devel'],
    ['opensuse-leap', 'zypper', 'libevent-devel'],
    ['opensuse-tumbleweed', 'zypper', 'libevent-devel'],
    ['debian', 'apt', 'libevent-dev'],
    ['ubuntu', 'apt', 'libevent-dev'],
    ['alpine', 'apk', 'libevent-dev'],
  ])('of %s is %s, and the headers are in %s', (fixture, name, headers) => {
    const manager = managerOf(fixture);
    expect(manager.name).toBe(name);
    expect(manager.buildPackages).toContain(headers);
    expect(manager.buildPackages).toEqual(expect.arrayContaining(['gcc', 'make']));
  });

  it('never asks a question', () => {
    for (const fixture of ['centos-7', 'rocky-9', 'opensuse-leap', 'debian', 'alpine']) {
      const [last] = managerOf(fixture).install(['gcc']).slice(-1);
      expect(last.at(-1)).toBe('gcc');
      expect(last.join(' ')).toMatch(/ -y |--non-interactive|apk add/);
    }
    expect(managerOf('debian').install(['gcc'])[1]).toContain('DEBIAN_FRONTEND=noninteractive');
  });

  it('refreshes apt first, which knows no packages on a new host', () => {
    expect(managerOf('ubuntu').install(['gcc'])[0]).toEqual(['apt-get', 'update', '-q']);
  });

  it('goes by what a system is like where its own name is unknown', () => {
    expect(packageManagerFor(parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\n')).name).toBe('apt');
    expect(
      packageManagerFor(parseOsRelease("ID=scientific\nID_LIKE='rhel fedora'\nVERSION_ID=7.9\n")).name,
    ).toBe('yum');
  });

  it('says what it found where there is none', () => {
    const odd = parseOsRelease('ID=plan9\nPRETTY_NAME="Plan 9"\n');
    expect(() => packageManagerFor(odd)).toThrow('Plan 9 (ID=plan9)');
  });
});

describe('os-release', () => {
  it('is read with quotes, escapes, comments and blank lines', () => {
    const text = '# a comment\n\nID="odd"\nPRETTY_NAME="A \\"quoted\\" name"\nVERSION_ID=\n';
    expect(parseOsRelease(text)).toEqual({
      id: 'odd',
      idLike: [],
      versionId: undefined,
      majorVersion: undefined,
      prettyName: 'A "quoted" name',
    });
  });
});
