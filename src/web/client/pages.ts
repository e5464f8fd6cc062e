import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ask, type Trouble } from './ask.ts';
import { follow } from './events.ts';
import { hubAnswered, hubSilent, way } from './freshness.ts';
import type { LiveOptions } from './live.ts';
import { sessionEnded } from './session.ts';

/** What every page of a list says. */
interface ListPage {
  readonly next_cursor: string | null;
}

/** A list of the hub, page by page, kept up to date. */
export interface Pages<Page> {
  /** Those that were read; undefined until the first answer. */
  readonly pages: ReadonlySignal<readonly Page[] | undefined>;
  readonly trouble: ReadonlySignal<Trouble | undefined>;
  /** There is more than was read. */
  readonly hasMore: ReadonlySignal<boolean>;
  /** One page more. */
  more(): void;
  again(): void;
}

export interface PagesOptions extends LiveOptions {
  /** How many pages to read at first; default 1. */
  readonly first?: number;
}

/** How often to ask although events come, ms. */
const calmMs = 30_000;
const defaultEveryMs = 5000;

/** Keeps a list up to date; `path` has the question without the cursor. */
export function usePages<Page extends ListPage>(path: string, options: PagesOptions = {}): Pages<Page> {
  const topics = (options.topics ?? []).join(' ');
  const { everyMs = defaultEveryMs, first = 1 } = options;
  const list = useMemo(() => createPages<Page>(path, everyMs, first), [path, everyMs, first]);
  useEffect(() => {
    const end = list.begin();
    const ends = topics === '' ? [] : topics.split(' ').map((topic) => follow(topic, list.again));
    return () => {
      end();
      for (const one of ends) one();
    };
  }, [list, topics]);
  return list;
}

interface Kept<Page> {
  readonly body: Page;
  readonly etag: string | null;
}

function createPages<Page extends ListPage>(
  path: string,
  everyMs: number,
  first: number,
): Pages<Page> & { begin(): () => void } {
  const pages = signal<readonly Page[] | undefined>(undefined);
  const trouble = signal<Trouble | undefined>(undefined);
  const kept = new Map<string, Kept<Page>>();
  let wanted = first;
  let timer: number | undefined;
  let running: AbortController | undefined;

  /** One page; what was read before where nothing has changed. */
  async function readPage(cursor: string | null, own: AbortController): Promise<Page | Trouble> {
    const to = cursor === null ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
    const before = kept.get(to);
    const answer = await ask<Page>(to, { etag: before?.etag ?? null, signal: own.signal });
    if (answer.ok === false) return answer.trouble;
    if (answer.ok === 'unchanged') return before?.body ?? (await readPage(cursor, own));
    kept.set(to, answer);
    return answer.body;
  }

  async function readAll(own: AbortController): Promise<void> {
    const found: Page[] = [];
    let cursor: string | null = null;
    do {
      const page: Page | Trouble = await readPage(cursor, own);
      if (own.signal.aborted) return;
      if (isTrouble(page)) return tell(page);
      found.push(page);
      cursor = page.next_cursor;
    } while (cursor !== null && found.length < wanted);
    hubAnswered();
    trouble.value = undefined;
    const known = pages.peek();
    if (known?.length !== found.length || found.some((page, index) => page !== known[index])) pages.value = found;
  }

  function tell(why: Trouble): void {
    if (why.status === 0) hubSilent();
    else hubAnswered();
    if (why.status === 401) sessionEnded();
    trouble.value = why;
  }

  function again(): void {
    running?.abort();
    window.clearTimeout(timer);
    const own = (running = new AbortController());
    readAll(own).then(
      () => (timer = window.setTimeout(again, way.peek() === 'events' ? calmMs : everyMs)),
      () => {},
    );
  }

  return {
    pages,
    trouble,
    hasMore: computed(() => pages.value?.at(-1)?.next_cursor != null),
    more: () => {
      wanted = (pages.peek()?.length ?? 0) + 1;
      again();
    },
    again,
    begin: () => {
      again();
      return () => {
        window.clearTimeout(timer);
        running?.abort();
      };
    },
  };
}

const isTrouble = (page: object): page is Trouble => 'code' in page && 'remedy' in page;
