import { signal, type ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { ask, type Trouble } from './ask.ts';
import { keepAsking, useAsking, type Asking, type AskingOptions } from './asking.ts';

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

export interface LiveOptions<Body> extends AskingOptions {
  /** Asks as often although events come: while that holds, something changes of which no event tells. */
  busy?(body: Body): boolean;
}

const defaultEveryMs = 4000;

/** Keeps the answer to `path` up to date; null asks nothing. */
export function useLive<Body>(
  path: string | null,
  { topics, everyMs = defaultEveryMs, busy = () => false }: LiveOptions<Body> = {},
): Live<Body> {
  const live = useMemo(() => createLive<Body>(path, everyMs, busy), [path, everyMs]);
  useAsking(path === null ? null : live, topics);
  return live;
}

function createLive<Body>(path: string | null, everyMs: number, busy: (body: Body) => boolean): Live<Body> & Asking {
  const data = signal<Body | undefined>(undefined);
  const trouble = signal<Trouble | undefined>(undefined);
  const etag = signal<string | null>(null);

  async function read(own: AbortSignal): Promise<void> {
    if (path === null) return;
    const answer = await ask<Body>(path, { etag: etag.peek(), signal: own });
    if (own.aborted) return;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    if (answer.ok !== true) return;
    etag.value = answer.etag;
    data.value = answer.body;
  }

  const told = (body: unknown): void => {
    trouble.value = undefined;
    etag.value = null;
    data.value = body as Body;
  };

  const isBusy = (): boolean => data.peek() !== undefined && busy(data.peek() as Body);
  const asking = { ...keepAsking(read, everyMs, isBusy), told };
  return { data, trouble, etag, ...asking, ...(path === null ? { again: () => {} } : {}) };
}
