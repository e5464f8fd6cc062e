/** Lets in one at a time, in the order of their coming. */
export interface Turnstile {
  /** Resolves when it is one's turn, with what lets the next one in; calling that again does nothing. */
  enter(): Promise<() => void>;
}

export function createTurnstile(): Turnstile {
  let last: Promise<void> = Promise.resolve();
  return {
    async enter() {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      return resolve;
    },
  };
}
