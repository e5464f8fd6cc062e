import { signal, type ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { ask, type Trouble } from './ask.ts';
import { keepAsking, noteAnswer, useAsking, type Asking, type AskingOptions } from './asking.ts';

/** Something of the hub that is kept up to date while a screen shows it. */
export interface Live<Body> {
  /** Undefined until the first answer; stays when a later question fails. */
  readonly data: ReadonlySignal<Body | undefined>;
  /** Why the last question failed. */
  readonly trouble: ReadonlySignal<Trouble | undefined>;
  /** Of `data`; null: it has none. */
  readonly etag: ReadonlySignal<string | null>;
  /** Asks now. */
  again(): void;
}

const defaultEveryMs = 4000;

/** Keeps the answer to `path` up to date; null asks nothing. */
export function useLive<Body>(
  path: string | null,
  { topics, everyMs = defaultEveryMs }: AskingOptions = {},
): Live<Body> {
  const live = useMemo(() => createLive<Body>(path, everyMs), [path, everyMs]);
  useAsking(path === null ? null : live, topics);
  return live;
}

function createLive<Body>(path: string | null, everyMs: number): Live<Body> & Asking {
  const data = signal<Body | undefined>(undefined);
  const trouble = signal<Trouble | undefined>(undefined);
  const etag = signal<string | null>(null);

  async function read(own: AbortSignal): Promise<void> {
    if (path === null) return;
    const answer = await ask<Body>(path, { etag: etag.peek(), signal: own });
    if (own.aborted) return;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    noteAnswer(trouble.peek());
    if (answer.ok !== true) return;
    etag.value = answer.etag;
    data.value = answer.body;
  }

  const asking = keepAsking(read, everyMs);
  return { data, trouble, etag, ...asking, ...(path === null ? { again: () => {} } : {}) };
}
