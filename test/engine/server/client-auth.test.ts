// What -Y, -S and -B mean together.
import { describe, expect, it } from 'vitest';
import { type GivenAuth, protocolWithAuth } from '../../../src/engine/server/client-auth.js';

const HERE = { host: '127.0.0.1', port: 1 };
const given = (flags: Partial<GivenAuth>): GivenAuth => ({
  authFile: undefined,
  sasl: false,
  protocol: undefined,
  udpPort: 0,
  listen: [HERE],
  ...flags,
});

describe('protocolWithAuth', () => {
  it.each([
    [{}, 'auto'],
    [{ protocol: 'binary' }, 'binary'],
    [{ udpPort: 1 }, 'auto'],
    [{ authFile: 'f' }, 'ascii'],
    [{ authFile: 'f', protocol: 'ascii' }, 'ascii'],
    [{ authFile: 'f', listen: [{ ...HERE, protocol: 'ascii' }] }, 'ascii'],
    [{ authFile: 'f', sasl: true }, 'auto'],
    [{ authFile: 'f', sasl: true, protocol: 'binary' }, 'binary'],
    [{ authFile: 'f', sasl: true, listen: [{ ...HERE, protocol: 'binary' }] }, 'auto'],
  ] as const)('%j: %s', (flags, protocol) => {
    expect(protocolWithAuth(given(flags))).toBe(protocol);
  });

  it.each([
    [{ sasl: true }, '-S: needs -Y FILE as well'],
    [{ authFile: 'f', udpPort: 5 }, "-U 5: UDP has no login, so it can't be had with -Y"],
    [{ authFile: 'f', protocol: 'binary' }, 'protocol binary with -Y: needs -S too'],
    [{ authFile: 'f', protocol: 'auto' }, 'protocol auto with -Y: needs -S too'],
    [{ authFile: 'f', listen: [HERE, { ...HERE, protocol: 'binary' }] }, 'needs -S too'],
    [{ authFile: 'f', sasl: true, protocol: 'ascii' }, '-S with -B ascii'],
  ] as const)('refuses %j', (flags, problem) => {
    expect(() => protocolWithAuth(given(flags))).toThrow(problem);
  });
});
