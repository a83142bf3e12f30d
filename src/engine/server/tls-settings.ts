// TLS as -Z and the ssl_ options ask for it, and the files behind it as they are read at start and at each reload.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EXIT, FatalError } from './exit.js';

export interface TlsSettings {
  readonly certificateFile: string;
  /** Undefined: the key is in the certificate's file. */
  readonly keyFile: string | undefined;
  readonly authoritiesFile: string | undefined;
  /** Of clients; `verify`: one that is sent must be good, `require`: and there must be one. */
  readonly clientCertificates: 'none' | 'verify' | 'require';
  readonly minVersion: '1.2' | '1.3';
  readonly ciphers: string | undefined;
}

/** What a listener needs, read from the files. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly authorities: string | undefined;
  readonly clientCertificates: TlsSettings['clientCertificates'];
  readonly minVersion: TlsSettings['minVersion'];
  readonly ciphers: string | undefined;
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
  };
}

/**
 * Reads the files, and looks at whether they fit together: a reload must not take what a listener would choke on.
 * @throws FatalError (status 71) that names the file and what is wrong with it
 */
export function readTlsMaterial(settings: TlsSettings): TlsMaterial {
  const certificate = readPem('ssl_chain_cert', settings.certificateFile);
  const keyFile = settings.keyFile ?? settings.certificateFile;
  const key = readPem('ssl_key', keyFile);
  const { authoritiesFile } = settings;
  const authorities = authoritiesFile === undefined ? undefined : readPem('ssl_ca_cert', authoritiesFile);
  const own = parsed('ssl_chain_cert', settings.certificateFile, () => new X509Certificate(certificate));
  const privateKey = parsed('ssl_key', keyFile, () => createPrivateKey(key));
  if (!own.checkPrivateKey(privateKey)) {
    throw new FatalError(
      `-o ssl_key=${keyFile}: is not the key of ${settings.certificateFile}`,
      EXIT.osError,
    );
  }
  if (authorities !== undefined && authoritiesFile !== undefined) {
    parsed('ssl_ca_cert', authoritiesFile, () => new X509Certificate(authorities));
  }
  const { clientCertificates, minVersion, ciphers } = settings;
  return { certificate, key, authorities, clientCertificates, minVersion, ciphers };
}

function readPem(option: string, path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new FatalError(`-o ${option}=${path}: can't be read (${code})`, EXIT.osError);
  }
}

function parsed<T>(option: string, path: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    const what = option === 'ssl_key' ? 'private key without a passphrase' : 'certificate';
    throw new FatalError(`-o ${option}=${path}: holds no ${what} in PEM form`, EXIT.osError);
  }
}
