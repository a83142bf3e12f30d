// Takes in what one sender has to say on a port, as the link to the peer does, and is slower than the sender. Prints
// how many bytes came, and how many of them at most without a turn of the event loop in between.
import { bunNet } from '../../../src/engine/server/bun-net.js';
import { LINK_INPUT_BYTES } from '../../../src/engine/server/replication-driver.js';

const SLOWNESS_MS = 10;

let total = 0;
let inOneTurn = 0;
let most = 0;
let isTurnDue = false;

function turned(): void {
  most = Math.max(most, inOneTurn);
  inOneTurn = 0;
  isTurnDue = false;
}

const listener = bunNet.listen(
  { kind: 'tcp', host: '127.0.0.1', port: Number(process.argv[2]) },
  {
    open(stream) {
      stream.boundInput(LINK_INPUT_BYTES);
      return stream;
    },
    data(_connection, bytes) {
      total += bytes.length;
      inOneTurn += bytes.length;
      if (!isTurnDue) setImmediate(turned);
      isTurnDue = true;
      for (const end = performance.now() + SLOWNESS_MS; performance.now() < end; );
    },
    drain() {},
    close() {
      listener.stop();
      setImmediate(() => console.log(JSON.stringify({ total, most })));
    },
  },
);
