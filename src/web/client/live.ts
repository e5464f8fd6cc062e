import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ask, type Trouble } from './ask.ts';
import { follow, type Topic } from './events.ts';
import { hubAnswered, hubSilent, way } from './freshness.ts';
import { sessionEnded } from './session.ts';

/** Something of the hub that is kept up to date while a screen shows it. */
export interface Live<Body> {
  /** Undefined until the first answer; stays when a later question fails. */
  readonly data: ReadonlySignal<Body | undefined>;
  /** Why the last question failed. */
  readonly trouble: ReadonlySignal<Trouble | undefined>;
  /** Asks now. */
  again(): void;
}

export interface LiveOptions {
  /** Events that say that it has changed. */
  readonly topics?: readonly Topic[];
  /** How often to ask where no events come, ms. */
  readonly everyMs?: number;
}

/** How often to ask although events come: what no event tells of, ms. */
const calmMs = 30_000;
const defaultEveryMs = 4000;

/** Keeps the answer to `path` up to date; null asks nothing. */
export function useLive<Body>(path: string | null, options: LiveOptions = {}): Live<Body> {
  const topics = (options.topics ?? []).join(' ');
  const live = useMemo(() => createLive<Body>(path, options.everyMs ?? defaultEveryMs), [path, options.everyMs]);
  useEffect(() => {
    const end = live.begin();
    const ends = topics === '' ? [] : topics.split(' ').map((topic) => follow(topic, live.again));
    return () => {
      end();
      for (const one of ends) one();
    };
  }, [live, topics]);
  return live;
}

interface Asking<Body> extends Live<Body> {
  begin(): () => void;
}

function createLive<Body>(path: string | null, everyMs: number): Asking<Body> {
  const data = signal<Body | undefined>(undefined);
  const trouble = signal<Trouble | undefined>(undefined);
  let etag: string | null = null;
  let timer: number | undefined;
  let running: AbortController | undefined;

  async function read(to: string, own: AbortController): Promise<void> {
    const answer = await ask<Body>(to, { etag, signal: own.signal });
    if (own.signal.aborted) return;
    if (answer.ok === false && answer.trouble.status === 0) hubSilent();
    else hubAnswered();
    if (answer.ok === false && answer.trouble.status === 401) sessionEnded();
    if (answer.ok === false) trouble.value = answer.trouble;
    else trouble.value = undefined;
    if (answer.ok !== true) return;
    etag = answer.etag;
    data.value = answer.body;
  }

  function schedule(): void {
    window.clearTimeout(timer);
    timer = window.setTimeout(again, way.peek() === 'events' ? calmMs : everyMs);
  }

  function again(): void {
    if (path === null) return;
    running?.abort();
    const own = (running = new AbortController());
    void read(path, own)
      .then(() => schedule())
      .catch(() => {});
  }

  const wake = (): void => {
    if (document.visibilityState === 'visible') again();
  };

  return {
    data,
    trouble,
    again,
    begin: () => {
      again();
      document.addEventListener('visibilitychange', wake);
      return () => {
        document.removeEventListener('visibilitychange', wake);
        window.clearTimeout(timer);
        running?.abort();
      };
    },
  };
}
