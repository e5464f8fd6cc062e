/**
 * Runs tasks at once, at most `limit` of them. The first to fail aborts the others; waits until all have ended; throws
 * the first failure. So nothing that was started here outlives the call.
 */
export async function together<T extends readonly unknown[]>(
  signal: AbortSignal,
  tasks: { readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]> },
  limit = tasks.length,
): Promise<T> {
  const failed = new AbortController();
  const joined = AbortSignal.any([signal, failed.signal]);
  const results: unknown[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < tasks.length) {
      const number = next++;
      joined.throwIfAborted();
      results[number] = await tasks[number]?.(joined);
    }
  };
  const workers = Array.from({ length: Math.min(limit, tasks.length) }, () =>
    work().catch((error: unknown) => {
      failed.abort(error);
    }),
  );
  await Promise.all(workers);
  failed.signal.throwIfAborted();
  return results as unknown as T;
}
