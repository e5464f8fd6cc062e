import { randomBytes } from 'node:crypto';

/** What can be watched: `status` is everything, `run:ID` is one run with its log, `progress` how far all runs are, or one. */
export type Topic = 'status' | `run:${string}` | 'progress' | `progress:${string}`;

export interface Watcher {
  /** Name of who watches. */
  readonly who: string;
  /** Something of the topic may have changed: look again. `id` is where the watcher is now. */
  changed(topic: Topic, id: string): void;
}

export interface Watching extends Disposable {
  /** Where the watcher begins. */
  readonly id: string;
  /** Whether something may have changed since `lastId`: null, it is not known what the watcher has seen. */
  readonly missed: boolean | null;
}

/** Tells watchers of changes that any process makes. Costs nothing while nobody watches. */
export interface ChangeWatch extends Disposable {
  watch(topics: readonly Topic[], watcher: Watcher, lastId: string | null): Watching;
  /** @param who only those of this one */
  watchers(who?: string): number;
}

export interface ChangeWatchOptions {
  /** Another text once anybody has changed the database. */
  changes(): string;
  /** Another text once a run, or its log, has changed. */
  ofRun(id: string): Promise<string>;
  /** Another text once a run has said how far it is; null: any run. */
  ofProgress(id: string | null): Promise<string>;
  /** A look that failed: the next one may not. */
  failed(error: Error): void;
}

/** Between two looks, ms: with the way to the screen it is far from the two seconds that a screen may be behind. */
const lookMs = 500;

/**
 * Looks at the database, at logs and at how far runs are, for all watchers together. What is told is what to look at again, so that who
 * missed some needs but one of them.
 */
export function watchChanges({ changes, ofRun, ofProgress, failed }: ChangeWatchOptions): ChangeWatch {
  /** Of this process: ids of another one mean nothing here. */
  const nonce = randomBytes(6).toString('hex');
  const watched = new Map<Watcher, ReadonlySet<Topic>>();
  const last = new Map<Topic, string>();
  let sequence = 0;
  let timer: NodeJS.Timeout | null = null;
  let looking = false;
  let again = false;

  const id = (): string => `${nonce}-${sequence}`;

  const topics = (): Set<Topic> => new Set([...watched.values()].flatMap((own) => [...own]));

  const markOf = async (topic: Topic): Promise<string> => {
    const [about, run] = topic.split(':', 2);
    if (about === 'progress') return ofProgress(run ?? null);
    return run === undefined ? changes() : ofRun(run);
  };

  const tell = (topic: Topic, now: string): void => {
    const before = last.get(topic);
    last.set(topic, now);
    if (before === undefined || before === now) return;
    sequence++;
    for (const [watcher, own] of watched) if (own.has(topic)) watcher.changed(topic, id());
  };

  const look = async (): Promise<void> => {
    again = looking;
    if (looking) return;
    looking = true;
    try {
      const wanted = topics();
      for (const topic of last.keys()) if (!wanted.has(topic)) last.delete(topic);
      for (const topic of wanted) tell(topic, await markOf(topic));
    } catch (error) {
      failed(error as Error);
    } finally {
      looking = false;
    }
    // Somebody has come whose topics were not looked at.
    if (again && watched.size > 0) await look();
  };

  const stop = (): void => {
    if (timer) clearInterval(timer);
    timer = null;
    // What happens while nobody watches is not seen: whoever was here before has to look at everything.
    sequence++;
    last.clear();
  };

  return {
    watch(own, watcher, lastId) {
      const begun = id();
      // Of a topic that nobody watches it is not known whether it has changed.
      const sure = own.every((topic) => last.has(topic));
      const missed = lastId === null ? false : lastId.startsWith(`${nonce}-`) ? lastId !== begun || !sure : null;
      watched.set(watcher, new Set(own));
      timer ??= setInterval(() => void look(), lookMs);
      void look();
      return {
        id: begun,
        missed,
        [Symbol.dispose]: () => {
          watched.delete(watcher);
          if (watched.size === 0) stop();
        },
      };
    },
    watchers: (who) => (who === undefined ? watched.size : [...watched.keys()].filter((one) => one.who === who).length),
    [Symbol.dispose]: () => {
      watched.clear();
      stop();
    },
  };
}
