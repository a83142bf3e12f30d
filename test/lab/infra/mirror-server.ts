// The lab's package mirror: a static HTTP server, started as a process of its own inside the switch's namespace:
// `mirror-server.ts ADDRESS FOLDER`. Says so once it listens.
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const [address, folder] = process.argv.slice(2);
if (address === undefined || folder === undefined) throw new Error('usage: mirror-server ADDRESS FOLDER');

// Only names that the folder holds are served, so no path can lead out of it.
const names = new Set(await readdir(folder));

const server = createServer(async (request, response) => {
  const name = path.posix.normalize(decodeURIComponent(request.url ?? '/')).slice(1);
  if (!names.has(name)) {
    response.writeHead(404).end();
    return;
  }
  const file = path.join(folder, name);
  const { size, mtime } = await stat(file);
  response.writeHead(200, { 'Content-Length': size, 'Last-Modified': mtime.toUTCString() });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file), response).catch(() => response.destroy());
});

server.listen(80, address, () => process.stdout.write(`listening on ${address}:80\n`));
