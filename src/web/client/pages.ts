import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { ask, type Trouble } from './ask.ts';
import { keepAsking, useAsking, type Asking, type AskingOptions } from './asking.ts';

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

export interface PagesOptions extends AskingOptions {
  /** How many pages to read at first; default 1. */
  readonly first?: number;
}

const defaultEveryMs = 5000;

/** Keeps a list up to date; `path` has the question without the cursor. */
export function usePages<Page extends ListPage>(
  path: string,
  { topics, everyMs = defaultEveryMs, first = 1 }: PagesOptions = {},
): Pages<Page> {
  const list = useMemo(() => createPages<Page>(path, everyMs, first), [path, everyMs, first]);
  useAsking(list, topics);
  return list;
}

interface Kept<Page> {
  readonly body: Page;
  readonly etag: string | null;
}

function createPages<Page extends ListPage>(path: string, everyMs: number, first: number): Pages<Page> & Asking {
  const pages = signal<readonly Page[] | undefined>(undefined);
  const trouble = signal<Trouble | undefined>(undefined);
  const kept = new Map<string, Kept<Page>>();
  /** What the pages of this time are asked by: others are forgotten. */
  let asked = new Set<string>();
  let wanted = first;

  /** One page; what was read before where nothing has changed. */
  async function readPage(cursor: string | null, own: AbortSignal): Promise<Page | Trouble> {
    const to = cursor === null ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
    const before = kept.get(to);
    asked.add(to);
    const answer = await ask<Page>(to, { etag: before?.etag ?? null, signal: own });
    if (answer.ok === false) return answer.trouble;
    if (answer.ok === 'unchanged') return before?.body ?? (await readPage(cursor, own));
    kept.set(to, answer);
    return answer.body;
  }

  async function readAll(own: AbortSignal): Promise<void> {
    asked = new Set();
    const found: Page[] = [];
    let cursor: string | null = null;
    do {
      const page: Page | Trouble = await readPage(cursor, own);
      if (own.aborted) return;
      if (isTrouble(page)) return tell(page);
      found.push(page);
      cursor = page.next_cursor;
    } while (cursor !== null && found.length < wanted);
    tell(undefined);
    for (const to of kept.keys()) if (!asked.has(to)) kept.delete(to);
    const known = pages.peek();
    if (known?.length !== found.length || found.some((page, index) => page !== known[index])) pages.value = found;
  }

  function tell(why: Trouble | undefined): void {
    trouble.value = why;
  }

  const asking = keepAsking(readAll, everyMs);
  return {
    pages,
    trouble,
    hasMore: computed(() => pages.value?.at(-1)?.next_cursor != null),
    more: () => {
      wanted = (pages.peek()?.length ?? 0) + 1;
      asking.again();
    },
    ...asking,
  };
}

const isTrouble = (page: object): page is Trouble => 'code' in page && 'remedy' in page;
