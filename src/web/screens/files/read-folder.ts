import { signal, type ReadonlySignal } from '@preact/signals';
import type { FilesEntry, FilesListOutput } from '../../../schemas/types.ts';
import type { Trouble } from '../../client/ask.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import type { Tone } from '../../design/shapes.tsx';

/** A row of a list of files. */
export interface FileRow {
  readonly entry: FilesEntry;
  /** What stands as its name. */
  readonly name: string;
  /** In small letters, to be found by. */
  readonly sought: string;
  /** When the content changed last, ms since the epoch. */
  readonly changed: number;
  /** What a search or a comparison says of it. */
  readonly mark?: { readonly word: string; readonly tone: Tone };
  /** Where its name leads, if not to the file in the restore point that is shown. */
  readonly to?: string;
}

export const rowOf = (
  entry: FilesEntry,
  { name = entry.name, ...more }: Partial<Pick<FileRow, 'name' | 'mark' | 'to'>> = {},
): FileRow => ({
  entry,
  name,
  sought: name.toLowerCase(),
  changed: Number(entry.mtime_ns) / 1e6,
  ...more,
});

/** A folder as it is read, page by page. */
export interface ReadFolder {
  readonly rows: ReadonlySignal<readonly FileRow[]>;
  /** Names in the folder; undefined: nothing has come. */
  readonly total: ReadonlySignal<number | undefined>;
  readonly done: ReadonlySignal<boolean>;
  readonly unreadable: ReadonlySignal<readonly string[]>;
  readonly trouble: ReadonlySignal<Trouble | undefined>;
  /** Reads it anew. @returns the end of it */
  begin(): () => void;
}

/** Entries of the first page, which comes at once, and of the others, which are no long work for the browser. */
const [firstPage, laterPages] = [300, 2500];
const patienceMs = 120_000;

export function readFolder(point: OpenPoint, volume: string, path: string): ReadFolder {
  const rows = signal<readonly FileRow[]>([]);
  const total = signal<number | undefined>(undefined);
  const done = signal(false);
  const unreadable = signal<readonly string[]>([]);
  const trouble = signal<Trouble | undefined>(undefined);

  async function read(gone: AbortSignal): Promise<void> {
    let after: string | null = null;
    let found: FileRow[] = [];
    do {
      const limit = after === null ? firstPage : laterPages;
      const query = new URLSearchParams({ volume, path, limit: String(limit), ...(after === null ? {} : { after }) });
      const answer = await point.ask<FilesListOutput>(`files?${query.toString()}`, { signal: gone, patienceMs });
      if (gone.aborted) return;
      trouble.value = answer.ok === false ? answer.trouble : undefined;
      if (answer.ok !== true) return;
      const { body }: { body: FilesListOutput } = answer;
      found = [...found, ...body.entries.map((entry) => rowOf(entry))];
      rows.value = found;
      total.value = body.total;
      unreadable.value = [...unreadable.peek(), ...body.unreadable].slice(0, 100);
      after = body.next;
    } while (after !== null);
    done.value = true;
  }

  return {
    rows,
    total,
    done,
    unreadable,
    trouble,
    begin() {
      const gone = new AbortController();
      done.value = false;
      unreadable.value = [];
      read(gone.signal).catch((error: unknown) => {
        if (!gone.signal.aborted) throw error;
      });
      return () => gone.abort();
    },
  };
}
