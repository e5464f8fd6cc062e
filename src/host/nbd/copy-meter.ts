const everyMs = 500;

export interface CopyMeter extends Disposable {
  /** What the copying program says it has done, bytes. */
  copied(bytes: number): void;
  /** What a digest of the same disk has read meanwhile, bytes: does not count as copied. */
  digested(bytes: number): void;
}

/**
 * Makes the progress of a copy finer. nbdcopy reports once per 128 MiB and connection, which on a slow line is minutes;
 * in between, what was read from the source for it tells how far it is, up to its requests in flight ahead of what is
 * written. `report` gets a number that only grows and never exceeds `total`.
 */
export function startCopyMeter(options: {
  /** Bytes read from the source so far, by anyone; null where that cannot be told. */
  readonly bytesRead: () => number | null;
  readonly total: number;
  readonly report: (bytesDone: number) => void;
}): CopyMeter {
  const { total, report } = options;
  let read = options.bytesRead() ?? 0;
  let [digested, digestedBefore, moved, done] = [0, 0, 0, 0];
  const advance = (bytes: number): void => {
    if (bytes <= done) return;
    done = Math.min(total, bytes);
    report(done);
  };
  const timer = setInterval(() => {
    const now = options.bytesRead();
    if (now === null) return;
    // A digest also passes over holes, which nobody reads.
    moved += Math.max(0, now - read - (digested - digestedBefore));
    [read, digestedBefore] = [now, digested];
    advance(moved);
  }, everyMs);
  return {
    copied: advance,
    digested: (bytes) => (digested = bytes),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
