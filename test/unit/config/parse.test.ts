// repcache.yaml as operators write it, and the problems they make in it.
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../../src/errors.js';
import { parsePairFile } from '../../../src/pair/config/parse.js';

function problemOf(text: string): OperatorError {
  try {
    parsePairFile(text, 'repcache.yaml');
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

const NODES = 'nodes:\n  a: { host: one }\n  b: { host: two }\n';

describe('parsePairFile', () => {
  it('fills in what the file leaves out', () => {
    expect(parsePairFile(`version: 1\n${NODES}`, 'f')).toEqual({
      version: 1,
      engine: 'repcached',
      local: false,
      memoryMb: 1024,
      connections: 4096,
      threads: 'auto',
      nodes: {
        a: { name: 'a', host: 'one', port: 11211, replicationPort: 16000 },
        b: { name: 'b', host: 'two', port: 11211, replicationPort: 16000 },
      },
    });
  });

  it('takes ports of the pair, and of one node over them', () => {
    const config = parsePairFile(
      'version: 1\nport: 12000\nnodes:\n  a: { host: one, user: ops, sshPort: 2222 }\n  b: { host: two, port: 12001 }\n',
      'f',
    );
    expect(config.nodes.a).toEqual({
      name: 'a',
      host: 'one',
      user: 'ops',
      sshPort: 2222,
      port: 12000,
      replicationPort: 16000,
    });
    expect(config.nodes.b.port).toBe(12001);
  });

  it('takes patterns of keys that stay local, and what flush_all may do', () => {
    const file = `version: 1\nreplication:\n  exclude: [lock.*, "*.lock"]\n  flush: local\n${NODES}`;
    expect(parsePairFile(file, 'f').replication).toEqual({ exclude: ['lock.*', '*.lock'], flush: 'local' });
    for (const [text, problem] of [
      ['exclude: ["*"]', 'matches every key'],
      ['exclude: ["a b"]', 'must be letters, digits'],
      ['exclude: [""]', 'must be letters, digits'],
      ['exclude: lock.*', 'replication.exclude'],
      ['flush: never', 'replication.flush'],
    ]) {
      const { message } = problemOf(`version: 1\nreplication: { ${text} }\n${NODES}`);
      expect(message, text).toContain(problem);
    }
  });

  it('takes what is said of replication, and nothing else', () => {
    const { replication } = parsePairFile(`version: 1\nreplication: { ack: peer }\n${NODES}`, 'f');
    expect(replication).toEqual({ ack: 'peer' });
    const tls = { certificate: '/etc/tls/node.pem', authority: '/etc/tls/ca.pem' };
    const inTls = `version: 1\nreplication: { tls: ${JSON.stringify(tls)} }\n${NODES}`;
    expect(parsePairFile(inTls, 'f').replication).toEqual({ tls });
    expect(problemOf(inTls.replace('authority', 'autority')).message).toContain('did you mean "authority"?');
    expect(problemOf(inTls.replace('/etc/tls/node.pem', 'node.pem')).message).toContain(
      'replication.tls.certificate: must be an absolute path on the hosts',
    );
    expect(problemOf(`version: 1\nreplication: { akc: peer }\n${NODES}`).message).toBe(
      'repcache.yaml:2:16: unknown key "akc"; did you mean "ack"?',
    );
    expect(problemOf(`version: 1\nreplication: { ack: both }\n${NODES}`).message).toContain(
      'repcache.yaml:2:21: replication.ack',
    );
    expect(problemOf(`version: 1\nengine: legacy\nreplication: { ack: peer }\n${NODES}`).message).toBe(
      'repcache.yaml:3:14: replication: only the engine repcached can be told how to replicate',
    );
  });

  it('names the place of an unknown key and the key that was meant', () => {
    const error = problemOf(`version: 1\nmemoryMB: 64\n${NODES}`);
    expect(error.message).toBe('repcache.yaml:2:1: unknown key "memoryMB"; did you mean "memoryMb"?');
    expect(error.exitName).toBe('config');
    expect(error.code).toBe('CONFIG_INVALID');
  });

  it('finds a misspelt key of a node', () => {
    const error = problemOf('version: 1\nnodes:\n  a: { host: one, adress: x }\n  b: { host: two }\n');
    expect(error.message).toBe('repcache.yaml:3:19: unknown key "adress"; did you mean "address"?');
  });

  it('lists the known keys when none is near', () => {
    const error = problemOf(`version: 1\nxyzzyplugh: 1\n${NODES}`);
    expect(error.message).toMatch(
      /^repcache\.yaml:2:1: unknown key "xyzzyplugh" \(known: version, engine, pair,/,
    );
  });

  it('reports all problems in the order of the file', () => {
    const lines = problemOf(`version: 1\nport: 70000\nmemoryMb: lots\n${NODES}`).message.split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^repcache\.yaml:2:7: port: /);
    expect(lines[1]).toMatch(/^repcache\.yaml:3:11: memoryMb: /);
  });

  it.each([
    ['an empty file', '', /^repcache\.yaml:1:1: /],
    ['no node b', 'version: 1\nnodes:\n  a: { host: one }\n', /^repcache\.yaml:3:3: nodes\.b: /],
    ['another version', `version: 2\n${NODES}`, /^repcache\.yaml:1:10: version: /],
    ['broken YAML', 'version: 1\nnodes: [\n', /^repcache\.yaml:\d+:\d+: /],
    ['a key twice', `version: 1\nversion: 1\n${NODES}`, /^repcache\.yaml:2:1: Map keys must be unique/],
    [
      'threads that are no number',
      `version: 1\nthreads: some\n${NODES}`,
      /^repcache\.yaml:2:10: threads: must be auto or a whole number from 1 to 64$/,
    ],
    ['a list', '- one\n', /^repcache\.yaml:1:1: /],
  ])('refuses %s with its place', (_, text, expected) => {
    expect(problemOf(text).message).toMatch(expected);
  });
});
