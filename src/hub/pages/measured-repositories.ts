import { spaceOf } from '../../host/files/files.ts';
import type { HubRepositories, RepositoriesOutput } from '../../schemas/types.ts';

/** For how long a measurement is good: it looks at every file, ms. */
const goodMs = 5 * 60_000;
const spaceGoodMs = 30_000;

export interface Space {
  readonly free: number;
  readonly total: number;
}

/** What repositories take on their disks. One look at a time, however many ask: the disk may be slow, or gone. */
export interface MeasuredRepositories {
  /** As measured last; only the first caller waits. Once it is old, a new look begins, and the old answer still goes out. */
  all(signal: AbortSignal): Promise<HubRepositories>;
  /** As measured last, however old; null: nobody has asked since the hub was started. */
  last(): HubRepositories | null;
  /** The room that each file system had a moment ago; without those that did not answer yet. Never waits. */
  spaces(): ReadonlyMap<string, Space>;
}

export interface MeasuredOptions {
  readonly names: readonly string[];
  path(name: string): string;
  measure(): Promise<RepositoriesOutput>;
  now(): number;
}

export function measuredRepositories({ names, path, measure, now }: MeasuredOptions): MeasuredRepositories {
  let last: HubRepositories | null = null;
  let looking: Promise<HubRepositories> | null = null;
  const look = (): Promise<HubRepositories> =>
    (looking ??= measure()
      .then(({ repositories }) => (last = { version: 1, measured: now(), repositories }))
      .finally(() => (looking = null)));
  const spaces = new Map<string, Space>();
  const asked = new Map<string, number>();
  const askSpace = (name: string): void => {
    // Not again before the answer: a file system that hangs holds one thread, and no more.
    asked.set(name, Infinity);
    void spaceOf(path(name))
      .then(
        (space) => spaces.set(name, space),
        () => spaces.delete(name),
      )
      .finally(() => asked.set(name, now()));
  };
  return {
    async all(signal) {
      if (last && now() - last.measured < goodMs) return last;
      const next = look();
      if (last) {
        next.catch(() => undefined);
        return last;
      }
      return await orGone(next, signal);
    },
    last: () => last,
    spaces() {
      for (const name of names) if (now() - (asked.get(name) ?? -Infinity) > spaceGoodMs) askSpace(name);
      return spaces;
    },
  };
}

/** The others go on waiting. */
function orGone<T>(wanted: Promise<T>, signal: AbortSignal): Promise<T> {
  wanted.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const gone = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', gone, { once: true });
  return Promise.race([wanted, promise]).finally(() => signal.removeEventListener('abort', gone));
}
