// Bounds what the kernel keeps of what comes in on a connection.
//
// The runtime reads 512 KB at a time, and as long as it finds so much, it reads on without a turn of its event loop:
// from a sender that is faster than we are, for seconds. Where the kernel keeps less than that, each read is the last
// one of its turn.
import { setSocketOption } from './socket-option.js';

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/** About so much, and never twice as much. */
export function boundInput(fd: number, sizeBytes: number): void {
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, sizeBytes);
}
