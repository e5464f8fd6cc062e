/** Resolves with the name of the signal that asks to end. */
export function untilStopped(stop: AbortSignal): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  stop.addEventListener('abort', () => resolve((stop.reason as Error).message), { once: true });
  if (stop.aborted) resolve((stop.reason as Error).message);
  return promise;
}
