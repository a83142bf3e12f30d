// The files under templates/, found from the sources as well as from dist/.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Content of a file under templates/. */
export async function readTemplate(name: string): Promise<string> {
  const candidates = ['../../templates/', '../../../templates/'].map(
    (path) => new URL(path + name, import.meta.url),
  );
  const url = candidates.find((candidate) => existsSync(candidate));
  if (url === undefined) throw new Error(`templates/${name} is missing from this installation`);
  return await readFile(url, 'utf8');
}
