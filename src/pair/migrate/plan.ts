// What is still to be done for a migration, or for the way back, from how far each node is: so it goes on from
// wherever it was stopped.
import { OperatorError } from '../../errors.js';
import { peerOf } from '../open-pair.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import type { Stage, Stages } from './stage.js';

/** One node is brought to another stage; the other one holds everything and serves meanwhile. */
export interface Move {
  readonly node: NodeName;
  readonly from: Stage;
  readonly to: Exclude<Stage, 'down'>;
}

/**
 * The first node speaks the legacy protocol with the second until that one is replaced as well. The second speaks our
 * own at once, which makes the first change over while it runs; its settings follow, with a restart, at the end.
 * @param settled whether a node runs on the settings it is to keep
 * @throws OperatorError `BOTH_DOWN`, `NOT_LINKED_BY_ANY_PROTOCOL` (exit stepFailed)
 */
export function planMigration(
  stages: Stages,
  settled: Readonly<Record<NodeName, boolean>> = { a: true, b: true },
): Move[] {
  refuseBothDown(stages);
  refuseOwnBesideLegacy(stages);
  const first = firstNode(stages);
  const second = peerOf(first);
  if (stages[first] === 'own' || stages[second] === 'own') {
    // Down and not yet settled: what is down needs the other one first.
    const order = stages[first] === 'down' ? [first, second] : [second, first];
    return order
      .filter((name) => stages[name] !== 'own' || !settled[name])
      .map((node) => ({ node, from: stages[node], to: 'own' }));
  }
  const bridging: Move[] =
    stages[first] === 'bridge' ? [] : [{ node: first, from: stages[first], to: 'bridge' }];
  return [
    ...bridging,
    { node: second, from: stages[second], to: 'own' },
    { node: first, from: 'bridge', to: 'own' },
  ];
}

/**
 * @throws OperatorError `NO_WAY_BACK` (exit unsuitable) once our own protocol is spoken, `BOTH_DOWN`
 */
export function planReturn(stages: Stages): Move[] {
  refuseBothDown(stages);
  const own = NODE_NAMES.find((name) => stages[name] === 'own');
  if (own !== undefined) throw noWayBack(own);
  // One that is down goes first: the other one holds everything.
  const order = stages.a === 'bridge' && stages.b === 'down' ? (['b', 'a'] as const) : NODE_NAMES;
  return order
    .filter((name) => stages[name] !== 'legacy')
    .map((node) => ({ node, from: stages[node], to: 'legacy' }));
}

/** What is bridged already, else what is down anyway, else b. */
function firstNode(stages: Stages): NodeName {
  for (const stage of ['bridge', 'down'] as const) {
    const found = NODE_NAMES.filter((name) => stages[name] === stage);
    if (found.length > 0) return found.includes('b') ? 'b' : 'a';
  }
  return 'b';
}

function refuseBothDown(stages: Stages): void {
  if (stages.a !== 'down' || stages.b !== 'down') return;
  throw new OperatorError('neither node runs: there is nothing to keep', {
    code: 'BOTH_DOWN',
    exit: 'stepFailed',
    suggestions: [
      'to migrate what is left: repcachectl start, which starts both, then run this again',
      'a program that was started by hand, not by repcachectl, is not seen: see docs/legacy.md, "How to leave"',
      'to begin anew, empty: repcachectl destroy, then repcachectl deploy --engine repcached',
    ],
  });
}

function refuseOwnBesideLegacy(stages: Stages): void {
  const own = NODE_NAMES.find((name) => stages[name] === 'own' && stages[peerOf(name)] === 'legacy');
  if (own === undefined) return;
  const legacy = peerOf(own);
  throw new OperatorError(
    `${own} speaks our own protocol and ${legacy} runs the legacy program: they can't be linked, and each may hold ` +
      'what the other does not',
    {
      code: 'NOT_LINKED_BY_ANY_PROTOCOL',
      exit: 'stepFailed',
      suggestions: [
        `to keep what ${own} holds: stop repcached-legacy on ${legacy}'s host, then run this again`,
        `to keep what ${legacy} holds: stop repcached on ${own}'s host, then run this again`,
      ],
    },
  );
}

function noWayBack(name: NodeName): OperatorError {
  return new OperatorError(`${name} speaks our own protocol: no legacy node can take the data back`, {
    code: 'NO_WAY_BACK',
    exit: 'unsuitable',
    suggestions: ['go on with repcachectl migrate --to repcached'],
  });
}
