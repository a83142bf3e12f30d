// Certificates for tests, made by openssl on the spot: an authority, and what it signs.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Whether this machine can make certificates at all. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** An authority in a folder of the test's. */
export class TestAuthority {
  readonly folder: string;
  readonly name: string;
  readonly files: Certificate;

  constructor(folder: string, name: string) {
    this.folder = folder;
    this.name = name;
    this.files = this.#paths(name);
    openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      this.files.keyFile,
      '-out',
      this.files.certificateFile,
      ...subject(name),
    );
  }

  /** A certificate for a server on 127.0.0.1 (or elsewhere), or for a client. */
  sign(name: string, { address = '127.0.0.1' } = {}): Certificate {
    const files = this.#paths(`${this.name}-${name}`);
    openssl(
      'req',
      '-x509',
      ...KEY,
      '-CA',
      this.files.certificateFile,
      '-CAkey',
      this.files.keyFile,
      '-addext',
      `subjectAltName=IP:${address}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-keyout',
      files.keyFile,
      '-out',
      files.certificateFile,
      ...subject(name),
    );
    return files;
  }

  #paths(name: string): Certificate {
    return {
      certificateFile: join(this.folder, `${name}.pem`),
      keyFile: join(this.folder, `${name}.key`),
    };
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`];
}

function openssl(...argv: string[]): void {
  execFileSync('openssl', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}
