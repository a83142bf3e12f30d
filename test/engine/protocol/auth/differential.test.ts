// The same logins by text to a real memcached and to ours, where the installed version and memcached 1.6.45 agree.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askMemcached,
  isMemcachedInstalled,
  type RealMemcached,
  startMemcached,
} from '../../../helpers/real-memcached.js';
import { newStore } from '../../store/new-store.js';
import { BytesTalk } from '../binary/binary-talk.js';
import { credentialsOf } from './fixed-credentials.js';

const AUTH_FILE = 'ann:pass\nbob:se:cret\n';

/** Without blanks in passwords, which memcached has allowed since. One answer each: of several errors in one packet the real one sends only the last. */
const SCRIPTS = [
  'get abc\r\n',
  'version\r\n',
  'set x 0 0 8\r\nann pass\r\n',
  'set any word there 8 noreply\r\nann pass\r\n',
  'set x 0 0 8\nann pass\r\n',
  'set x 0 0 11\r\nbob se:cret\r\n',
  'set x 0 0 8\r\nann fail\r\n',
  'set x 0 0 7\r\nann pas\r\n',
  'set x 0 0 7\r\nannpass\r\n',
  'set x 0 0 0\r\n\r\n',
  'set x 0 0 8\r\nann passXX',
  'set x 0 0\r\n',
  'set x 0 0 z\r\n',
  'set x 0 0 -1\r\n',
  'add x 0 0 8\r\n',
];

describe.skipIf(!isMemcachedInstalled)(
  'beside a real memcached (skipped when memcached is not installed)',
  () => {
    let folder: string;
    let real: RealMemcached;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'repcached-auth-'));
      const path = join(folder, 'logins');
      writeFileSync(path, AUTH_FILE, { mode: 0o600 });
      real = await startMemcached('-Y', path);
    });

    afterAll(async () => {
      await real.stop();
      rmSync(folder, { recursive: true });
    });

    it.each(SCRIPTS)('%j', async (script) => {
      const said = Buffer.from(script, 'latin1');
      const theirs = await askMemcached(real.port, said, (heard) => heard.includes('\r\n'));
      const talk = new BytesTalk(newStore(), { credentials: credentialsOf(AUTH_FILE) });
      expect(talk.say(said).toString('latin1')).toBe(theirs.heard.toString('latin1'));
      expect(theirs.closes).toBe(false);
    });
  },
);
