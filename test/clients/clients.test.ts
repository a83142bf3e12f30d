// Real clients of six languages, in their default settings, with one script: store, fetch, cas, incr, multi, expiry.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLIENT_PROGRAMS, Running } from './programs.js';
import { SERVERS } from './servers.js';

/** Comes with Debian's memcached. */
const MEMCACHED_TOOL = '/usr/share/memcached/scripts/memcached-tool';

for (const server of SERVERS) {
  describe.skipIf(!server.isInstalled)(`clients of ${server.name}`, { concurrent: true }, () => {
    for (const { name, program, before, after, isInstalled, steps } of CLIENT_PROGRAMS) {
      it.skipIf(!isInstalled)(`${name} (skipped where it is not installed)`, async () => {
        await server.use(async (port) => {
          const client = new Running(program, [...before, String(port), ...after]);
          expect(await client.lines()).toEqual(steps);
        });
      });
    }

    it.skipIf(!existsSync(MEMCACHED_TOOL))(
      'memcached-tool reads the statistics (skipped where it is not installed)',
      async () => {
        await server.use(async (port) => {
          for (const [view, expected] of [
            ['display', /Item_Size/],
            ['stats', /curr_items/],
            ['settings', /maxbytes/],
          ] as const) {
            const tool = new Running('perl', [MEMCACHED_TOOL, `127.0.0.1:${port}`, view]);
            expect((await tool.lines()).join('\n')).toMatch(expected);
          }
        });
      },
    );
  });
}
