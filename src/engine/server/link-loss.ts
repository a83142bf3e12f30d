// Has the kernel notice that the other end of a connection is gone, where the protocol has no words to ask.
import { setSocketOption } from './socket-option.js';

const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/**
 * Gives the connection up once what was sent is not taken for so long: otherwise the kernel goes on for a quarter of an
 * hour. Where it can't be set, that is how long it takes, and keep-alive still notices while nothing is on its way.
 */
export function giveUpAfter(fd: number, timeoutMs: number): void {
  setSocketOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeoutMs);
}
