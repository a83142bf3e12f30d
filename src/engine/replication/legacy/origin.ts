// Which node a version is from. The legacy protocol has none: what comes in gets ours, marked by the node bit.

/** Whether this node made it. The peer's have the other node bit, in either protocol. */
export function isOwnVersion(versionLo: number): boolean {
  return (versionLo & 1) === OWN_NODE_BIT;
}

/** Of a version that our clock made for a write of the peer's. */
export function asPeerVersion(versionLo: number): number {
  return (versionLo | 1) >>> 0;
}

export const OWN_NODE_BIT = 0;
