// ProcessService with the real executable, where it has been built: it starts, answers, and stops.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalHost } from '../../../src/host/local-host.js';
import { ProcessService } from '../../../src/service/process-service.js';
import { freePort } from '../../helpers/free-port.js';

const ARTIFACT = 'dist/engine/repcached-linux-x64';
const missing = !existsSync(ARTIFACT) || process.arch !== 'x64';

it.skipIf(missing)(`runs the real engine${missing ? ` (skipped: no ${ARTIFACT})` : ''}`, async () => {
  const root = await mkdtemp(join(tmpdir(), 'repcachectl-engine-'));
  const service = new ProcessService(new LocalHost({ name: 'a' }), 'a', join(root, 'a'));
  try {
    const executable = await readFile(ARTIFACT);
    const sha256 = createHash('sha256').update(executable).digest('hex');
    const [port, replicationPort, peerReplicationPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const steps = service.installSteps({
      name: 'a',
      port,
      replicationPort,
      listenAddresses: ['127.0.0.1'],
      replicationAddress: '127.0.0.1',
      peerAddress: '127.0.0.1',
      peerReplicationPort,
      memoryMb: 64,
      connections: 100,
      threads: 1,
      replicationFlags: [],
      pairId: 'c0ffee',
      secretText: '0123456789abcdef\n',
      release: { id: 'test', version: 'test', sha256, localPath: ARTIFACT, sizeBytes: executable.length },
    });
    for (const step of steps) await step.apply();
    await service.start();
    await expect.poll(() => version(port), { timeout: 15_000 }).toMatch(/^VERSION /);
    expect(await service.status()).toMatchObject({ state: 'running', releaseId: 'test' });
    await service.stop();
    expect(await service.status()).toMatchObject({ state: 'stopped' });
    expect(await service.logs({ lines: 100 })).toContain(`repcached: listening on 127.0.0.1:${port}`);
  } finally {
    await service.stop();
    await rm(root, { recursive: true, force: true });
  }
});

function version(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('version\r\n'));
    socket.once('error', () => resolve('nobody answers'));
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
  });
}
