// Whether what several clients saw of one key can have happened one command after the other: an exhaustive search
// for an order that explains every answer, for short histories.

/** One command on the key and its answer. */
export interface Operation {
  readonly command: Command;
  readonly answer: Answer;
  /** Places in one order of all sendings and receivings: what was answered before another was sent came before it. */
  readonly sent: number;
  readonly received: number;
}

export type Command =
  | { readonly kind: 'get' }
  | { readonly kind: 'delete' }
  | { readonly kind: 'set' | 'add' | 'replace' | 'append'; readonly value: string }
  | { readonly kind: 'incr'; readonly by: number }
  | { readonly kind: 'cas'; readonly value: string; readonly unique: string };

export type Answer =
  /** To get. */
  | { readonly value: string; readonly unique: string }
  /** A get that missed. */
  | 'miss'
  /** To all else: the line. */
  | { readonly line: string };

/** What is there; the unique only once somebody has seen it. */
type State = { readonly value: string; readonly unique: string | undefined } | undefined;

/** @param operations at most 30, on a key that was absent at first */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const deadEnds = new Set<string>();
  const all = 2 ** operations.length - 1;

  const search = (done: number, state: State): boolean => {
    if (done === all) return true;
    const place = `${done} ${state === undefined ? '' : `${state.value} ${state.unique}`}`;
    if (deadEnds.has(place)) return false;
    const open = operations.flatMap((operation, index) =>
      (done & (1 << index)) === 0 ? [{ operation, index }] : [],
    );
    const firstReceived = Math.min(...open.map(({ operation }) => operation.received));
    for (const { operation, index } of open) {
      if (operation.sent > firstReceived) continue;
      const outcome = apply(operation, state);
      if (outcome !== 'impossible' && search(done | (1 << index), outcome.state)) return true;
    }
    deadEnds.add(place);
    return false;
  };
  return search(0, undefined);
}

/** What the command leaves behind, if it can have had that answer in this state. */
function apply({ command, answer }: Operation, state: State): { state: State } | 'impossible' {
  if (command.kind === 'get') return applyGet(answer, state);
  const line = typeof answer === 'object' && 'line' in answer ? answer.line : undefined;
  const [expected, next] = expectation(command, state);
  return line === expected ? { state: next } : 'impossible';
}

function applyGet(answer: Answer, state: State): { state: State } | 'impossible' {
  if (state === undefined) return answer === 'miss' ? { state } : 'impossible';
  if (typeof answer !== 'object' || !('value' in answer) || answer.value !== state.value) return 'impossible';
  if (state.unique !== undefined && state.unique !== answer.unique) return 'impossible';
  return { state: { value: state.value, unique: answer.unique } };
}

function expectation(command: Exclude<Command, { kind: 'get' }>, state: State): [line: string, next: State] {
  switch (command.kind) {
    case 'set':
      return ['STORED', { value: command.value, unique: undefined }];
    case 'add':
      return state === undefined
        ? ['STORED', { value: command.value, unique: undefined }]
        : ['NOT_STORED', state];
    case 'replace':
      return state === undefined
        ? ['NOT_STORED', state]
        : ['STORED', { value: command.value, unique: undefined }];
    case 'append':
      if (state === undefined) return ['NOT_STORED', state];
      return ['STORED', { value: state.value + command.value, unique: undefined }];
    case 'delete':
      return state === undefined ? ['NOT_FOUND', state] : ['DELETED', undefined];
    case 'incr': {
      if (state === undefined) return ['NOT_FOUND', state];
      const value = String(BigInt(state.value) + BigInt(command.by));
      return [value, { value, unique: undefined }];
    }
    case 'cas':
      if (state === undefined) return ['NOT_FOUND', state];
      // A unique that nobody has seen is not the one that this client has seen.
      if (state.unique !== command.unique) return ['EXISTS', state];
      return ['STORED', { value: command.value, unique: undefined }];
  }
}
