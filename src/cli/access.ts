// What only the operator can give to reach the hosts, asked for on the terminal: trust in a new host, sudo's password.
import { createInterface } from 'node:readline';
import { OperatorError } from '../errors.js';
import type { HostKeyQuestion } from '../host/host-key-policy.js';
import type { Access } from '../pair/open.js';
import { registerSecret } from '../scrub.js';
import { askLine, isInteractive } from './ask.js';

export interface AccessFlags {
  readonly 'accept-new-host-keys': boolean;
  readonly 'ask-sudo-password': boolean;
  readonly json: boolean;
}

export function accessOf(flags: AccessFlags, signal: AbortSignal): Access {
  const mayAsk = !flags.json && isInteractive();
  // Both hosts are reached at once; their questions must not be.
  let asking: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = asking.then(ask);
    asking = answer.catch(() => {});
    return answer;
  };
  let password: Promise<string> | undefined;
  return {
    acceptNewHostKeys: flags['accept-new-host-keys'],
    ...(mayAsk && {
      confirmHostKey: (question: HostKeyQuestion) => inTurn(() => askAboutKey(question, signal)),
    }),
    ...(flags['ask-sudo-password'] && {
      // One password for both hosts: asked once.
      sudoPassword: () => {
        password ??= inTurn(() => readPassword(mayAsk));
        return password;
      },
    }),
  };
}

async function askAboutKey(question: HostKeyQuestion, signal: AbortSignal): Promise<boolean> {
  const text =
    `${question.target} is not in known_hosts. Its ${question.keyType} key has the fingerprint\n` +
    `  ${question.fingerprint}\nTrust it from now on? [y/N] `;
  return /^y(es)?$/i.test((await askLine(text, signal)).trim());
}

/** Unseen on a terminal; the first line of standard input where there is none. */
async function readPassword(onTerminal: boolean): Promise<string> {
  if (onTerminal) process.stderr.write('Password for sudo on the hosts: ');
  const password = await readUnseenLine();
  if (onTerminal) process.stderr.write('\n');
  if (password === undefined || password === '') {
    throw new OperatorError('no password for sudo was given', {
      code: 'NO_SUDO_PASSWORD',
      exit: 'usage',
      suggestions: ['type it when asked, or give it as the first line of standard input'],
    });
  }
  registerSecret(password);
  return password;
}

/** readline without an output echoes nothing; on a terminal it also keeps the terminal itself from echoing. */
function readUnseenLine(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin, terminal: process.stdin.isTTY === true });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('SIGINT', () => {
      lines.close();
      process.kill(process.pid, 'SIGINT');
    });
    lines.once('close', () => resolve(undefined));
  });
}
