// A source tree in memory: what an archive or a folder holds, checked, and nothing that could reach outside it.
import { OperatorError } from '../errors.js';
import { PATCHED_FILE, type PatchResult, patchIovMax } from './patch.js';

export interface SourceFile {
  readonly content: Buffer;
  readonly executable: boolean;
}

/** Files by their path below the tree's top, `/` between folders, in no particular order. */
export type SourceTree = ReadonlyMap<string, SourceFile>;

/** repcached 2.2.1 unpacks to 3 MB; more than this is not that source. */
export const MAX_TREE_BYTES = 64 * 2 ** 20;
export const MAX_TREE_FILES = 10_000;

/** Collects files; refuses what is unsafe or too much. */
export class SourceTreeBuilder {
  readonly #files = new Map<string, SourceFile>();
  readonly #source: string;
  #sizeBytes = 0;

  /** @param source named in every refusal */
  constructor(source: string) {
    this.#source = source;
  }

  /** @throws OperatorError `SOURCE_UNSAFE`, `SOURCE_TOO_LARGE` (exit unsuitable) */
  add(path: string, file: SourceFile): void {
    this.#files.set(this.checked(path), file);
    this.#sizeBytes += file.content.length;
    if (this.#sizeBytes > MAX_TREE_BYTES || this.#files.size > MAX_TREE_FILES) throw this.tooLarge();
  }

  /** The path without `./` and doubled slashes; refused when it is absolute or climbs. */
  checked(path: string): string {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (path.startsWith('/') || parts.includes('..') || path.includes('\0')) {
      throw this.unsafe(`${JSON.stringify(path)} lies outside of it`);
    }
    return parts.join('/');
  }

  unsafe(why: string): OperatorError {
    return new OperatorError(`${this.#source}: not unpacked: ${why}`, {
      code: 'SOURCE_UNSAFE',
      exit: 'unsuitable',
      suggestions: ['get the archive anew, from where you trust it'],
    });
  }

  tooLarge(): OperatorError {
    const limit = `${MAX_TREE_BYTES / 2 ** 20} MB or ${MAX_TREE_FILES} files`;
    return new OperatorError(`${this.#source}: not unpacked: it holds more than ${limit}`, {
      code: 'SOURCE_TOO_LARGE',
      exit: 'unsuitable',
      suggestions: ['is it the source of repcached? That one unpacks to about 3 MB'],
    });
  }

  /**
   * The tree from its top: archives have all in one folder, which is taken off.
   * @throws OperatorError `SOURCE_INCOMPLETE` (exit unsuitable) when it has no configure or memcached.c
   */
  build(): SourceTree {
    const top = this.#commonFolder();
    const tree = new Map([...this.#files].map(([path, file]) => [path.slice(top.length), file]));
    const missing = ['configure', PATCHED_FILE].filter((path) => !tree.has(path));
    if (missing.length === 0) return tree;
    throw new OperatorError(`${this.#source}: there is no ${missing.join(' and no ')} in it`, {
      code: 'SOURCE_INCOMPLETE',
      exit: 'unsuitable',
      suggestions: [
        'name the archive of repcached (memcached-1.2.8-repcached-2.2.1.tar.gz) or the folder it unpacks to',
      ],
    });
  }

  #commonFolder(): string {
    const [first] = this.#files.keys();
    const slash = first?.indexOf('/') ?? -1;
    if (slash === -1) return '';
    const top = first.slice(0, slash + 1);
    return [...this.#files.keys()].every((path) => path.startsWith(top)) ? top : '';
  }
}

/** The tree with memcached.c patched. @throws OperatorError `PATCH_REFUSED` (exit unsuitable) */
export function patchedTree(tree: SourceTree): { tree: SourceTree; state: PatchResult['state'] } {
  const file = tree.get(PATCHED_FILE)!;
  const { state, text } = patchIovMax(file.content.toString('latin1'));
  if (state === 'already') return { tree, state };
  return { tree: new Map(tree).set(PATCHED_FILE, { ...file, content: Buffer.from(text, 'latin1') }), state };
}
