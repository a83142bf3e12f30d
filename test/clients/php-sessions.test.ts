// PHP's session handlers, with their locking: no request on a session loses what another has written.
import { describe, expect, it } from 'vitest';
import { TextClient } from '../helpers/text-client.js';
import { hasPhpExtension, programPath, Running } from './programs.js';
import { SERVERS } from './servers.js';

interface Handler {
  readonly name: string;
  readonly extension: string;
  readonly savePath: (port: number) => string;
}

const HANDLERS: readonly Handler[] = [
  { name: 'php-memcached', extension: 'memcached', savePath: (port) => `127.0.0.1:${port}` },
  { name: 'pecl-memcache', extension: 'memcache', savePath: (port) => `tcp://127.0.0.1:${port}` },
];
const SESSION_ID = 'abcdefghijklmnopqrstuvwxyz';
const POLL_MS = 20;
const POLLS_MAX = 250;

/** One request on the session. */
function request({ extension, savePath }: Handler, port: number, action = ''): Running {
  const settings = { 'session.save_handler': extension, 'session.save_path': savePath(port) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-d', `${name}=${value}`]);
  return new Running('php', [...flags, programPath('php-session.php'), SESSION_ID, action]);
}

/** Commands by which a handler takes its lock, counted by the server. */
async function lockCommands(client: TextClient): Promise<number> {
  const stats = await client.stats();
  return ['cmd_set', 'incr_hits', 'incr_misses'].reduce((sum, name) => sum + Number(stats.get(name)), 0);
}

for (const server of SERVERS) {
  describe.skipIf(!server.isInstalled)(`PHP sessions in ${server.name}`, () => {
    for (const handler of HANDLERS) {
      const isInstalled = hasPhpExtension(handler.extension);

      it.skipIf(!isInstalled)(
        `${handler.name}: one request after another (skipped where not installed)`,
        async () => {
          await server.use(async (port) => {
            expect(await request(handler, port).lines()).toEqual(['open', '1']);
            expect(await request(handler, port).lines()).toEqual(['open', '2']);
            expect(await request(handler, port, 'destroy').lines()).toEqual(['open', 'destroyed']);
            expect(await request(handler, port).lines()).toEqual(['open', '1']);
          });
        },
      );

      it.skipIf(!isInstalled)(
        `${handler.name}: two requests at once (skipped where not installed)`,
        async () => {
          await server.use(async (port) => {
            const observer = await TextClient.connect(port);
            const first = request(handler, port, 'wait');
            await first.waitForLine('open');
            const before = await lockCommands(observer);
            const second = request(handler, port);
            try {
              for (let poll = 0; (await lockCommands(observer)) === before; poll++) {
                expect(poll, 'the second request asks for the lock').toBeLessThan(POLLS_MAX);
                await new Promise((resolve) => setTimeout(resolve, POLL_MS));
              }
              expect(second.output).toBe('');
              first.goOn();
              expect(await first.lines()).toEqual(['open', '1']);
              expect(await second.lines()).toEqual(['open', '2']);
            } finally {
              observer.close();
              await Promise.all([first.stop(), second.stop()]);
            }
          });
        },
      );
    }
  });
}
