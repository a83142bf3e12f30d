// Decides whether a host is who it says it is: known, new and accepted, or refused with the remedy.
import { OperatorError } from '../errors.js';
import {
  addKnownHost,
  findKnownKeys,
  hostKeyAlgorithms,
  hostKeyFingerprint,
  hostKeyType,
  judgeHostKey,
  type KnownKey,
} from './known-hosts.js';
import type { SshTarget } from './ssh-config.js';

/** What the operator is asked about a host that is not in known_hosts yet. */
export interface HostKeyQuestion {
  /** As the operator wrote it. */
  readonly target: string;
  /** The name it would have in known_hosts. */
  readonly name: string;
  readonly keyType: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
}

export interface HostKeyPolicyOptions {
  /** Asks the operator; absent where nobody can be asked. */
  readonly confirm?: ((question: HostKeyQuestion) => Promise<boolean>) | undefined;
  /** Accept hosts that are new without asking. A changed key is refused all the same. */
  readonly acceptNew?: boolean | undefined;
}

export class HostKeyPolicy {
  readonly #target: SshTarget;
  readonly #options: HostKeyPolicyOptions;
  readonly #known: readonly KnownKey[];
  /** Known under the bare host name, without the port: ssh takes such a key as proof, but not its absence as change. */
  readonly #knownWithoutPort: readonly KnownKey[];

  private constructor(
    target: SshTarget,
    options: HostKeyPolicyOptions,
    known: readonly KnownKey[],
    knownWithoutPort: readonly KnownKey[],
  ) {
    this.#target = target;
    this.#options = options;
    this.#known = known;
    this.#knownWithoutPort = knownWithoutPort;
  }

  /** Reads what is known of the target. */
  static async read(target: SshTarget, options: HostKeyPolicyOptions): Promise<HostKeyPolicy> {
    const files = [...target.userKnownHostsFiles, ...target.globalKnownHostsFiles];
    const withoutPort = target.hostKeyName.startsWith('[') ? target.hostName : undefined;
    const [known, bare] = await Promise.all([
      findKnownKeys(target.hostKeyName, files),
      withoutPort === undefined ? [] : findKnownKeys(withoutPort, files),
    ]);
    return new HostKeyPolicy(target, options, known, bare);
  }

  /** What to offer the host, so that it proves itself by a key that is known. */
  get algorithms(): string[] {
    return hostKeyAlgorithms(this.#known.length > 0 ? this.#known : this.#knownWithoutPort);
  }

  /**
   * Returns when the key is to be trusted.
   * @throws OperatorError `HOST_KEY_CHANGED`, `HOST_KEY_REVOKED`, `HOST_KEY_UNKNOWN` (exit connection).
   */
  async verify(key: Uint8Array): Promise<void> {
    const verdict = judgeHostKey(this.#known, key);
    if (verdict.kind === 'known') return;
    if (verdict.kind === 'changed') throw changed(this.#target, key, verdict.at);
    if (verdict.kind === 'revoked') throw revoked(this.#target, verdict.at);
    const bare = judgeHostKey(this.#knownWithoutPort, key);
    if (bare.kind === 'known') return;
    if (bare.kind === 'revoked') throw revoked(this.#target, bare.at);

    if (!(await this.#accepts(key))) throw unknown(this.#target, key);
    const [file] = this.#target.userKnownHostsFiles;
    if (file !== undefined) {
      await addKnownHost(file, this.#target.hostKeyName, key, { hash: this.#target.hashKnownHosts });
    }
  }

  async #accepts(key: Uint8Array): Promise<boolean> {
    const { strictHostKeyChecking } = this.#target;
    if (this.#options.acceptNew === true || strictHostKeyChecking === 'accept-new') return true;
    if (strictHostKeyChecking === 'yes' || this.#options.confirm === undefined) return false;
    return await this.#options.confirm({
      target: this.#target.target,
      name: this.#target.hostKeyName,
      keyType: hostKeyType(key),
      fingerprint: hostKeyFingerprint(key),
    });
  }
}

function unknown(target: SshTarget, key: Uint8Array): OperatorError {
  const what = `${hostKeyType(key)} ${hostKeyFingerprint(key)}`;
  return new OperatorError(
    `${target.target}: ${target.hostKeyName} is not in known_hosts; its key is ${what}`,
    {
      code: 'HOST_KEY_UNKNOWN',
      exit: 'connection',
      suggestions: [
        `Compare the fingerprint with what the host's console shows: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`,
        `Then accept it with --accept-new-host-keys, or by logging in once: ssh ${target.target}`,
      ],
    },
  );
}

function changed(target: SshTarget, key: Uint8Array, at: KnownKey): OperatorError {
  const offered = `${hostKeyType(key)} ${hostKeyFingerprint(key)}`;
  const expected = `${at.type} ${hostKeyFingerprint(Buffer.from(at.key, 'base64'))}`;
  return new OperatorError(
    `${target.target}: the host key of ${target.hostKeyName} has changed: it offers ${offered}, but ` +
      `${at.file}:${at.line} has ${expected}. Someone may be listening in, or the host was installed anew`,
    {
      code: 'HOST_KEY_CHANGED',
      exit: 'connection',
      suggestions: [
        'Find out why it changed before anything else.',
        `If the host was installed anew: ssh-keygen -R '${target.hostKeyName}' -f ${at.file}`,
      ],
    },
  );
}

function revoked(target: SshTarget, at: KnownKey): OperatorError {
  return new OperatorError(`${target.target}: its host key is marked as revoked at ${at.file}:${at.line}`, {
    code: 'HOST_KEY_REVOKED',
    exit: 'connection',
    suggestions: ['Give the host a new key; a revoked one must not be trusted.'],
  });
}
