// What can be known of the systemd service without a systemd; the lab tests do the rest on real hosts.
import { describe, expect, it } from 'vitest';
import { engineArguments, environmentFile } from '../../../src/service/engine-arguments.js';
import type { NodeSpec } from '../../../src/service/service.js';
import { nodeLayout } from '../../../src/service/systemd-layout.js';
import { limits } from '../../../src/service/systemd-settings.js';
import { interpret } from '../../../src/service/systemd-status.js';
import { readTemplate } from '../../../src/service/templates.js';

const SPEC: NodeSpec = {
  name: 'a',
  port: 11211,
  replicationPort: 16000,
  listenAddresses: ['192.168.37.17', '127.0.0.1'],
  replicationAddress: '192.168.37.17',
  peerAddress: '192.168.37.27',
  peerReplicationPort: 16001,
  memoryMb: 1024,
  connections: 4096,
  threads: 1,
  pairId: 'c0ffee',
  replicationFlags: ['--repl-ack', 'peer'],
  secretText: 'the secret itself\n',
  release: { id: 'x', version: '1', sha256: '', localPath: '', sizeBytes: 0 },
};

describe('the unit', () => {
  it('starts the engine with the arguments that every node gets', async () => {
    const unit = await readTemplate('repcached@.service');
    const command = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '';
    const settings = new Map(
      environmentFile(SPEC)
        .split('\n')
        .filter((line) => /^\w+=/.test(line))
        .map((line): [string, string] => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
    );
    const expanded = command
      .replaceAll('%i', String(SPEC.port))
      .replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => settings.get(name) ?? `unset ${name}`);
    expect(expanded.split(' ')).toEqual([
      '/usr/bin/env',
      '-i',
      '/opt/repcached/current/repcached',
      ...engineArguments(SPEC, '/etc/repcached/11211.secret', '/var/lib/repcached/11211.memory'),
    ]);
  });

  it('leaves out MemoryDenyWriteExecute, and says why', async () => {
    const unit = await readTemplate('repcached@.service');
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
    expect(unit).toMatch(/^# MemoryDenyWriteExecute= is left out on purpose/m);
  });
});

describe('items kept while a node is down', () => {
  it('are where the unit lets it write, and where the steps make room for them', async () => {
    const unit = await readTemplate('repcached@.service');
    expect(unit).toContain(`-e ${nodeLayout(11211).memoryFile.replace('11211', '%i')} `);
    expect(unit).toMatch(/^ReadWritePaths=-\/var\/lib\/repcached$/m);
  });

  it('have the time to be saved', () => {
    expect(limits(SPEC)).toMatch(/^LimitNOFILE=4352\nTimeoutStopSec=67\n/m);
    expect(limits({ ...SPEC, memoryMb: 32_768 })).toContain('TimeoutStopSec=1654\n');
  });
});

describe('the settings file', () => {
  it('has no secret', () => {
    expect(environmentFile(SPEC)).not.toContain(SPEC.secretText.trim());
  });

  it('refuses what systemd would read in another way', () => {
    expect(() => environmentFile({ ...SPEC, pairId: 'a b' })).toThrow('PAIR cannot be "a b"');
    expect(() => environmentFile({ ...SPEC, peerAddress: 'x\nLISTEN=0.0.0.0' })).toThrow('PEER');
    expect(() => environmentFile({ ...SPEC, replicationFlags: ['a b'] })).toThrow('replication cannot be');
  });

  it('names no flags where the operator chose nothing', () => {
    expect(environmentFile({ ...SPEC, replicationFlags: [] })).toMatch(/^REPLICATION_FLAGS=$/m);
  });
});

describe('status', () => {
  const show = (changes: Record<string, string>): string =>
    Object.entries({
      LoadState: 'loaded',
      ActiveState: 'active',
      SubState: 'running',
      MainPID: '42',
      Result: 'success',
      ExecMainStatus: '0',
      ExecMainStartTimestampMonotonic: '100000000',
      Installed: 'yes',
      Release: 'releases/1.0-abc',
      Uptime: '160.5',
      ...changes,
    })
      .map(([name, value]) => `${name}=${value}`)
      .join('\n');

  it.each([
    [{}, { state: 'running', pid: 42, uptimeSec: 60, releaseId: '1.0-abc' }],
    [{ Installed: 'no' }, { state: 'absent' }],
    [{ LoadState: 'not-found', ActiveState: 'inactive' }, { state: 'absent' }],
    [
      { ActiveState: 'inactive', SubState: 'dead', MainPID: '0' },
      { state: 'stopped', detail: 'inactive (dead)' },
    ],
    [
      { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code', ExecMainStatus: '71' },
      { state: 'starting', betweenTries: true, detail: 'activating (auto-restart): exit-code, status 71' },
    ],
    [
      { ActiveState: 'failed', SubState: 'failed', Result: 'signal', ExecMainStatus: '9' },
      { state: 'failed', detail: 'signal, status 9' },
    ],
  ])('reads %j', (changes, expected) => {
    expect(interpret(show(changes))).toMatchObject(expected);
  });
});
