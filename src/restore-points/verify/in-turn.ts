/** One piece of work of many. */
export interface Turn {
  /** Work with the same key is done one after the other. */
  readonly key: string;
  /** Bytes that it reads. */
  readonly weight: number;
  run(): Promise<void>;
}

const mostAtOnce = 4;
/** What together reads no more than this waits for disks and programs more than it reads: several go at once. */
const lightBytes = 64 * 1024 * 1024;

/**
 * Does the work in its order, light pieces several at a time, heavy ones alone. After a failure, or once `signal` is aborted, nothing new begins, and what
 * is under way is waited for.
 * @throws the first failure, or the reason of the signal
 */
export async function inTurn(turns: readonly Turn[], signal: AbortSignal): Promise<void> {
  const waiting = [...turns];
  const running = new Map<string, { readonly weight: number; readonly done: Promise<void> }>();
  let failure: { readonly reason: unknown } | null = null;
  const next = (): Turn | undefined => {
    if (running.size >= mostAtOnce) return undefined;
    const weight = [...running.values()].reduce((sum, entry) => sum + entry.weight, 0);
    // Whoever is first and too heavy is not overtaken for ever.
    const first = waiting.findIndex(({ key }) => !running.has(key));
    const turn = waiting[first];
    if (!turn || (running.size > 0 && weight + turn.weight > lightBytes)) return undefined;
    waiting.splice(first, 1);
    return turn;
  };
  while (waiting.length > 0 || running.size > 0) {
    if (signal.aborted) failure ??= { reason: signal.reason };
    const turn = failure === null ? next() : undefined;
    if (turn) {
      const done = turn
        .run()
        .catch((reason: unknown) => void (failure ??= { reason }))
        .finally(() => void running.delete(turn.key));
      running.set(turn.key, { weight: turn.weight, done });
    } else if (running.size === 0) break;
    else await Promise.race([...running.values()].map(({ done }) => done));
  }
  if (failure !== null) throw (failure as { readonly reason: unknown }).reason;
}
