import { createDigestPool, type DigestPool } from '../../blocks/digest-pool.ts';

/** Threads that hash, for all files that a removal looks at: starting them costs as much as hashing 50 MiB. */
export interface MergeThreads extends AsyncDisposable {
  /** So much will be hashed: where it is worth while, the threads start beside what comes before. */
  expect(bytes: number): void;
  /** One at a time. What fails with one file does not fail with the next. */
  use<T>(act: (threads: Pick<DigestPool, 'digest' | 'same'>) => Promise<T>): Promise<T>;
}

/** A thread takes 75 ms of processor time to start, in which this one hashes 80 MiB: by calculation two are a gain from about twice that. */
const ownBytes = 128 * 1024 * 1024;

export function createMergeThreads(signal: AbortSignal | undefined): MergeThreads {
  let pool: DigestPool | null = null;
  const current = (): DigestPool => (pool ??= createDigestPool({ source: null, workers: 2, ownBytes, signal }));
  const end = async (): Promise<void> => {
    const ending = pool;
    pool = null;
    await ending?.[Symbol.asyncDispose]();
  };
  return {
    expect: (bytes) => current().expect(bytes),
    async use(act) {
      try {
        return await act(current());
      } catch (error) {
        await end();
        throw error;
      }
    },
    [Symbol.asyncDispose]: end,
  };
}
