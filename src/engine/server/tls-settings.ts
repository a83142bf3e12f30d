// TLS as -Z and the ssl_ options ask for it, or --repl-tls; and the files behind it, as they are read at start and at
// each reload.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TlsOptions } from '../protocol/server-facts.js';
import { EXIT, FatalError } from './exit.js';

export interface TlsSettings extends TlsOptions {
  readonly flags: TlsFlags;
}

/** How all of it is called in messages: the flag that turns it on, and what stands before the path of each file. */
export interface TlsFlags {
  readonly on: string;
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string;
}

const CLIENT_FLAGS: TlsFlags = {
  on: '-Z',
  certificate: '-o ssl_chain_cert=',
  key: '-o ssl_key=',
  authorities: '-o ssl_ca_cert=',
};

const LINK_FLAGS: TlsFlags = {
  on: '--repl-tls',
  certificate: '--repl-tls-cert ',
  key: '--repl-tls-key ',
  authorities: '--repl-tls-ca ',
};

/** What a listener needs, read from the files. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string | undefined;
  readonly clientCertificates: TlsSettings['clientCertificates'];
  readonly minVersion: TlsSettings['minVersion'];
  readonly ciphers: string | undefined;
  /** The flag that asked for it, for messages. */
  readonly flag: string;
}

/** @throws FatalError when the options that are there make no sense together */
export function tlsSettings(given: Partial<TlsSettings>): TlsSettings {
  const { certificateFile, clientCertificates = 'none' } = given;
  if (certificateFile === undefined) throw new FatalError('-Z: needs a certificate, -o ssl_chain_cert=FILE');
  if (clientCertificates !== 'none' && given.authoritiesFile === undefined) {
    throw new FatalError(
      "-o ssl_verify_mode: needs the authorities of clients' certificates, -o ssl_ca_cert=FILE",
    );
  }
  return {
    certificateFile,
    keyFile: given.keyFile,
    authoritiesFile: given.authoritiesFile,
    clientCertificates,
    minVersion: given.minVersion ?? '1.2',
    ciphers: given.ciphers,
    flags: CLIENT_FLAGS,
  };
}

/** Values of the --repl-tls flags. */
export interface GivenLinkTls {
  readonly isOn: boolean;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly authoritiesFile: string | undefined;
}

/**
 * TLS between the two nodes, in which each shows a certificate of the other's authority. Both are of one release, so
 * nothing older than 1.3 needs to be spoken.
 * @returns undefined when it is off
 * @throws FatalError when a file is missing, or is given and TLS is off: nobody should believe it to be on then
 */
export function linkTlsSettings(given: GivenLinkTls): TlsSettings | undefined {
  const { isOn, certificateFile, keyFile, authoritiesFile } = given;
  if (!isOn) {
    if ((certificateFile ?? keyFile ?? authoritiesFile) === undefined) return undefined;
    throw new FatalError('--repl-tls-cert, --repl-tls-key and --repl-tls-ca: need --repl-tls');
  }
  if (certificateFile === undefined || authoritiesFile === undefined) {
    throw new FatalError(
      '--repl-tls: needs a certificate for this node, --repl-tls-cert FILE, and the authority of both, --repl-tls-ca FILE',
    );
  }
  return {
    certificateFile,
    keyFile,
    authoritiesFile,
    clientCertificates: 'require',
    minVersion: '1.3',
    ciphers: undefined,
    flags: LINK_FLAGS,
  };
}

/**
 * Reads the files, and looks at whether they fit together: a reload must not take what a listener would choke on.
 * @throws FatalError (status 71) that names the file and what is wrong with it
 */
export function readTlsMaterial(settings: TlsSettings): TlsMaterial {
  const { certificateFile, authoritiesFile, flags } = settings;
  const keyFile = settings.keyFile ?? certificateFile;
  const certificate = readPem(flags.certificate, certificateFile);
  const key = readPem(flags.key, keyFile);
  const authorities = authoritiesFile === undefined ? undefined : readPem(flags.authorities, authoritiesFile);
  const own = parsed(flags.certificate, certificateFile, CERTIFICATE, () => new X509Certificate(certificate));
  const privateKey = parsed(flags.key, keyFile, PRIVATE_KEY, () => createPrivateKey(key));
  if (!own.checkPrivateKey(privateKey)) {
    throw new FatalError(`${flags.key}${keyFile}: is not the key of ${certificateFile}`, EXIT.osError);
  }
  if (authorities !== undefined && authoritiesFile !== undefined) {
    parsed(flags.authorities, authoritiesFile, CERTIFICATE, () => new X509Certificate(authorities));
  }
  const { clientCertificates, minVersion, ciphers } = settings;
  return { certificate, key, authorities, clientCertificates, minVersion, ciphers, flag: flags.on };
}

const CERTIFICATE = 'certificate';
const PRIVATE_KEY = 'private key without a passphrase';

function readPem(flag: string, path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new FatalError(`${flag}${path}: can't be read (${code})`, EXIT.osError);
  }
}

function parsed<T>(flag: string, path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new FatalError(`${flag}${path}: holds no ${what} in PEM form`, EXIT.osError);
  }
}
