import type { HubConnection, HubRequest } from './hub-connection.ts';

interface ListPage {
  readonly next_cursor: string | null;
}

/** The pages of a list, in the order of the hub. */
export async function* pagesOf<Page extends ListPage>(
  hub: HubConnection,
  path: string,
  query: NonNullable<HubRequest['query']> = {},
): AsyncGenerator<Page> {
  let cursor: string | undefined;
  do {
    const page: Page = await hub.ask<Page>(path, { query: { ...query, cursor } });
    yield page;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** The first entries of a list, and whether there are more. */
export async function firstOf<Page extends ListPage, Entry>(
  pages: AsyncGenerator<Page>,
  entriesOf: (page: Page) => readonly Entry[],
  most = Infinity,
): Promise<{ readonly entries: Entry[]; readonly more: boolean }> {
  const entries: Entry[] = [];
  for await (const page of pages) {
    entries.push(...entriesOf(page));
    if (entries.length > most) return { entries: entries.slice(0, most), more: true };
    if (entries.length === most) return { entries, more: page.next_cursor !== null };
  }
  return { entries, more: false };
}
