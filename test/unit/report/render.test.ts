import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { renderDrill } from '../../../src/report/drill-text.js';
import { renderStatus } from '../../../src/report/status-text.js';
import { renderVerify } from '../../../src/report/verify-text.js';
import { DEGRADED, DRILL, VERIFY_FAILED, VERIFY_OK } from './reports.js';

const PLAIN = { width: 80, color: false };

test('a verify report that holds, at 80 columns', () => {
  expect(renderVerify(VERIFY_OK, PLAIN)).toMatchInlineSnapshot(`
    "Pair of a (192.168.37.17:11211) and b (192.168.37.27:11211)
          check                          took
      ok  a answers: version 0.1.0    1.50 ms
      ok  the link is up and in sync  1.50 ms

    Written on a, seen on b
          check                                      on the peer after     took
      ok  set, and set again                                   0.42 ms  1.50 ms
      ok  the largest value accepted: 1048512 bytes            14.2 ms  1.50 ms
      lag of 200 writes: min 0.31 ms, p50 0.40 ms, p95 1.25 ms, p99 12.5 ms, max 130
      ms (a poll alone takes 0.20 ms)

    Both nodes
          check                                   took
      ok  the nodes' clocks agree: 3 ms apart  1.50 ms

    The pair holds: 5 checks ok, in 8.1 s."
  `);
});

test('a verify report that does not hold, at 80 columns', () => {
  expect(renderVerify(VERIFY_FAILED, PLAIN)).toMatchInlineSnapshot(`
    "Pair of a (192.168.37.17:11211) and b (192.168.37.27:11211)
          check                          took
      ok  a answers: version 0.1.0    1.50 ms
      ok  the link is up and in sync  1.50 ms

    Written on a, seen on b
              check                                       on the peer after     took
      FAILED  cas; uniques are equal, and each node's w…                       5.0 s
      -       incr: the connection to b was lost                             skipped

      FAILED cas; uniques are equal, and each node's works on the other
        expected unique 1874919349 on b as on a
        saw      17
        remedy   both nodes must run repcached: CAS uniques of other servers differ
                 from node to node

    The pair does NOT hold: 1 check failed, 2 ok, 1 skipped, in 8.1 s."
  `);
});

test('a drill report, at 80 columns', () => {
  expect(renderDrill(DRILL, PLAIN)).toMatchInlineSnapshot(`
    "Failover drill on a (192.168.37.17:11211) and b (192.168.37.27:11211)
          check                          took
      ok  a answers: version 0.1.0    1.50 ms
      ok  the link is up and in sync  1.50 ms

    Node b killed, a survives
          check                                                      took
      ok  keys written through both nodes are on both: 1000 keys  1.50 ms

      writes acknowledged                    1204
      acknowledged by b before the kill      201
      of these lost                          1 (all within 0.60 ms before the kill)
      errors that clients saw                2
        such as                              the connection to b (192.168.37.27:112…
      longest time a client could not write  44.0 ms
      b serves again after                   612 ms
      in sync again after                    655 ms

      lost  key                                    before the kill
      set   repcache:drill:0123456789ab:load:1:99  0.60 ms

      Time line
         +0.061 s  load begins
        +12.064 s  b is killed

    The drill passed: 1 of 1204 acknowledged writes lost, in 17.3 s."
  `);
});

test('a drill that did not begin says so', () => {
  const text = renderDrill({ ...DRILL, ok: false, rounds: [] }, PLAIN);
  expect(text.split('\n').at(-1)).toBe('The drill did not begin: nothing was killed.');
});

test('the status of a degraded pair, at 80 columns', () => {
  expect(renderStatus(DEGRADED, PLAIN)).toMatchInlineSnapshot(`
    "degraded: b is down (exit status 71)
    remedy: see \`repcachectl logs\`, then \`repcachectl start\`

                    a (192.168.37.17:11211)  b (192.168.37.27:11211)
    service         running                  failed
    pid             812                      -
    up for          1 d 02 h                 -
    release         0.1.0-0123456789ab       -
    engine          0.1.0                    -
    items           1500                     -
    memory          1.5 MB of 1.0 GB         -
    evictions       0                        -
    connections     12                       -
    hit ratio       98.7 %                   -
    replication     alone                    -
    link up for     0 s                      -
    unacknowledged  0                        -
    ack mode        peer, degraded           -
    last sync       1500 items in 41 ms      -
    clock offset    -3 ms                    -

    b has failed (exit status 71); b: cannot connect to 192.168.37.27:11211: connect
      ECONNREFUSED"
  `);
});

const RENDERERS: [string, (options: { width: number; color: boolean }) => string][] = [
  ['verify', (options) => renderVerify(VERIFY_FAILED, options)],
  ['drill', (options) => renderDrill(DRILL, options)],
  ['status', (options) => renderStatus(DEGRADED, options)],
];

test.each(RENDERERS)('%s: colours change nothing but the colours', (_, render) => {
  const colored = render({ width: 80, color: true });
  expect(colored).toContain('\u001b[');
  expect(stripVTControlCharacters(colored)).toBe(render(PLAIN));
});

test.each(RENDERERS)('%s: no line is longer than the width', (_, render) => {
  for (const width of [80, 100, 140]) {
    for (const line of render({ width, color: false }).split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(width);
  }
});
