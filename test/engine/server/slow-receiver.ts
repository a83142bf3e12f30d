// Takes in what a sender on a port has to say, as the link to the peer does, and is slower than the sender. Prints
// how many bytes came, and how many of them at most without a turn of the event loop in between.
import { DIAL_TIMEOUT_MS } from '../../../src/engine/replication/types.js';
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

bunNet.dial(
  { host: '127.0.0.1', port: Number(process.argv[2]) },
  DIAL_TIMEOUT_MS,
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
      setImmediate(() => console.log(JSON.stringify({ total, most })));
    },
  },
  (code) => {
    throw new Error(code);
  },
);
