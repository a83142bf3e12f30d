// CVE-2018-1000115: a server that answers anybody's datagrams floods whomever they claim to come from.
import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { FatalError } from '../../../src/engine/server/exit.js';
import { parseCommandLine } from '../../../src/engine/server/options.js';
import { withNode } from '../../helpers/engine.js';

describe('CVE-2018-1000115: UDP', () => {
  it('is off unless it is asked for: the port is free for anybody', async () => {
    expect(parseCommandLine([])).toMatchObject({ options: { udpPort: 0 } });
    await withNode([], async (node) => {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(node.port, '127.0.0.1', resolve);
      });
      socket.close();
    });
  });

  it.each([
    [['-U', '11211']],
    [['-U', '11211', '-l', '0.0.0.0']],
    [['-U', '11211', '-l', '::']],
    [['-U', '11211', '-l', '127.0.0.1,192.0.2.1']],
  ])('is refused where others could reach it: %j', (argv) => {
    expect(() => parseCommandLine(argv)).toThrow(FatalError);
  });

  it('is refused with logins, as it has none', () => {
    expect(() => parseCommandLine(['-U', '11211', '-l', '127.0.0.1', '-Y', 'file'])).toThrow(
      /UDP has no login/,
    );
  });
});
