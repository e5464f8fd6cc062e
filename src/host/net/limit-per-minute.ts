const windowMs = 60_000;
/** More peers than any node has; the memory that they cost is bounded. */
const mostPeers = 10_000;

export interface Taken {
  readonly allowed: boolean;
  /** This is the first that is not allowed in its minute: worth a line in the log, the others are not. */
  readonly first: boolean;
  /** Seconds until the peer may try again. */
  readonly retrySeconds: number;
}

/**
 * Counts what each peer does, so many times in a minute. Not a package: those count requests, and here the answer decides
 * what counts; behind the tunnel all peers are one, and the right token must pass whatever the others do.
 */
export function limitPerMinute(
  perMinute: number,
  now: () => number = () => performance.now(),
): (peer: string) => Taken {
  const peers = new Map<string, { count: number; readonly until: number }>();
  return (peer) => {
    const time = now();
    let mine = peers.get(peer);
    if (!mine || mine.until <= time) {
      peers.delete(peer);
      // In the order of their minutes, so the first is the one that ends first.
      const [first] = peers.keys();
      if (peers.size >= mostPeers && first !== undefined) peers.delete(first);
      mine = { count: 0, until: time + windowMs };
      peers.set(peer, mine);
    }
    mine.count += 1;
    return {
      allowed: mine.count <= perMinute,
      first: mine.count === perMinute + 1,
      retrySeconds: Math.max(1, Math.ceil((mine.until - time) / 1000)),
    };
  };
}
