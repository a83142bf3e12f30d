// repcache.yaml: text in, a PairConfig out; every problem with the line and column that it stands on.
import {
  isMap,
  isScalar,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type Document as YamlDocument,
} from 'yaml';
import type { z } from 'zod';
import { OperatorError } from '../../errors.js';
import { nearestWord } from '../../nearest.js';
import type { NodeConfig, NodeName, PairConfig } from '../types.js';
import { knownKeysAt, type PairFile, pairFileSchema } from './schema.js';

type FileDocument = YamlDocument.Parsed<ParsedNode>;

/**
 * Reads the text of a repcache.yaml.
 * @param fileName Named in every problem, as `file:line:column`.
 * @throws OperatorError `CONFIG_INVALID` (exit config), with all problems found and not only the first.
 */
export function parsePairFile(text: string, fileName: string): PairConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };

  if (document.errors.length > 0) {
    throw invalid(
      fileName,
      document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`),
    );
  }
  const parsed = pairFileSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, document));
    problems.sort((one, other) => one.offset - other.offset);
    throw invalid(
      fileName,
      problems.map(({ offset, message }) => `${at(offset)}: ${message}`),
    );
  }
  return toPairConfig(parsed.data);
}

function invalid(fileName: string, problems: readonly string[]): OperatorError {
  return new OperatorError(problems.join('\n'), {
    code: 'CONFIG_INVALID',
    exit: 'config',
    suggestions: [`correct ${fileName} and run the same command again; nothing was changed`],
  });
}

interface Problem {
  readonly offset: number;
  readonly message: string;
}

/** One zod issue in the operator's words; an issue on unknown keys is one problem a key. */
function problemsOf(issue: z.core.$ZodIssue, document: FileDocument): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const nearest = nearestWord(key, knownKeysAt(issue.path));
      const hint = nearest
        ? `; did you mean "${nearest}"?`
        : ` (known: ${knownKeysAt(issue.path).join(', ')})`;
      return { offset: offsetOfKey(document, issue.path, key), message: `unknown key "${key}"${hint}` };
    });
  }
  const name = issue.path.join('.') || 'the file';
  return [{ offset: offsetOfValue(document, issue.path), message: `${name}: ${issue.message}` }];
}

function offsetOfKey(document: FileDocument, path: readonly PropertyKey[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return 0;
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  return (isScalar(pair?.key) ? pair.key.range?.[0] : undefined) ?? 0;
}

/** Where the value stands, or for an absent one the nearest thing around it. */
function offsetOfValue(document: FileDocument, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: [number, number, number] }
      | undefined;
    if (node?.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function toPairConfig(file: PairFile): PairConfig {
  const node = (name: NodeName): NodeConfig => {
    const { host, address, user, sshPort, identityFile, port, replicationPort } = file.nodes[name];
    return {
      name,
      host,
      ...(address !== undefined && { address }),
      ...(user !== undefined && { user }),
      ...(sshPort !== undefined && { sshPort }),
      ...(identityFile !== undefined && { identityFile }),
      port: port ?? file.port,
      replicationPort: replicationPort ?? file.replicationPort,
    };
  };
  return {
    version: 1,
    engine: file.engine,
    ...(file.pair !== undefined && { pair: file.pair }),
    ...(file.verbatim === true && { verbatim: true }),
    local: file.local,
    memoryMb: file.memoryMb,
    connections: file.connections,
    threads: file.threads,
    ...(file.replication !== undefined && { replication: file.replication }),
    nodes: { a: node('a'), b: node('b') },
  };
}
