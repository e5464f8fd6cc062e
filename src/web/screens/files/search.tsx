import type { JSX } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FilesEntry } from '../../../schemas/types.ts';
import type { Trouble } from '../../client/ask.ts';
import { eachPoint } from '../../client/each-point.ts';
import { readLines } from '../../client/json-lines.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import { exact } from '../../design/moment.ts';
import { Empty } from '../../design/notice.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { go } from '../../shell/router.ts';
import { FileGrid } from './file-grid.tsx';
import { linkIn } from './link-in.ts';
import { rowOf, type FileRow } from './read-folder.ts';
import { Selection } from './selection.tsx';
import type { FolderProps } from './folder-props.ts';
import { Unreadable } from './unreadable.tsx';
import { addressOfPlace, atFolder, type Where } from '../../shell/files-place.ts';

/** More than that is not shown: a more exact word finds less. */
const mostFound = 50_000;

interface Found {
  readonly rows: Signal<readonly FileRow[]>;
  readonly state: Signal<string>;
  readonly unreadable: Signal<readonly string[]>;
  readonly trouble: Signal<Trouble | undefined>;
}

/** What a search finds below the folder, in this restore point or in all. */
export function Search({ point, points, where }: FolderProps): JSX.Element {
  const found: Found = {
    rows: useSignal<readonly FileRow[]>([]),
    state: useSignal('Searching…'),
    unreadable: useSignal<readonly string[]>([]),
    trouble: useSignal<Trouble | undefined>(undefined),
  };
  const running = useSignal(true);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const all = where.in === 'all';
  const own = points.filter(({ repository }) => repository === where.repository);
  useEffect(() => {
    if (!running.value) return undefined;
    const gone = new AbortController();
    const work = all ? inAll({ where, points: own, found }, gone.signal) : inOne(point, { where, found }, gone.signal);
    work.then(
      () => (running.value = false),
      (error: unknown) => {
        if (!gone.signal.aborted) throw error;
      },
    );
    return () => gone.abort();
  }, [running.value]);
  const rows = found.rows.value;
  const linkOf = linkIn(where);
  return (
    <>
      <div class="table-tools">
        <span role="status">
          {found.state.value} {rows.length} found.
        </span>
        {running.value ? (
          <button
            type="button"
            class="button small"
            onClick={() => {
              running.value = false;
              found.state.value = 'Stopped.';
            }}
          >
            Stop
          </button>
        ) : null}
      </div>
      <TroubleNotice of={found.trouble.value} />
      {found.unreadable.value.length > 0 ? <Unreadable lines={found.unreadable.value} /> : null}
      {rows.length === 0 ? (
        running.value ? null : (
          <Empty title="Nothing has such a name.">A part of a name is enough; `*` stands for anything.</Empty>
        )
      ) : (
        <>
          {all ? null : <Selection point={point} where={where} rows={rows} total={null} selected={selected} />}
          <FileGrid
            label="What was found"
            rows={rows}
            total={rows.length}
            {...(all ? {} : { selected })}
            linkOf={linkOf}
            onOpen={(row) => go(linkOf(row))}
          />
        </>
      )}
    </>
  );
}

/** A word is a part of the name; with `*`, `?` or `[` it is a pattern. */
export const patternOf = (words: string): string => (/[*?[]/.test(words) ? words : `*${words}*`);

const searchOf = ({ volume, path, find }: Where): string =>
  new URLSearchParams({ volume, path, name: patternOf(find), ignoreCase: 'yes' }).toString();

/** A session that has ended is opened again before it is asked. */
async function addressHere(point: OpenPoint): Promise<string | Trouble> {
  const alive = await point.ask('');
  return alive.ok === false ? alive.trouble : await point.open();
}

async function inOne(
  point: OpenPoint,
  { where, found }: { where: Where; found: Found },
  signal: AbortSignal,
): Promise<void> {
  const at = await addressHere(point);
  if (typeof at !== 'string') return void (found.trouble.value = at);
  const full = new AbortController();
  const rows: FileRow[] = [];
  found.rows.value = [];
  const onLines = (lines: readonly FilesEntry[]): void => {
    for (const entry of lines) rows.push(rowOf(entry));
    if (rows.length >= mostFound) full.abort();
  };
  const ticking = window.setInterval(() => (found.rows.value = [...rows]), 300);
  try {
    const end = await readLines<FilesEntry>(
      `${at}/search?${searchOf(where)}`,
      onLines,
      AbortSignal.any([signal, full.signal]),
    );
    if ('code' in end) found.trouble.value = end;
    else found.unreadable.value = end.unreadable;
    found.state.value = 'code' in end ? 'The search broke off.' : `${end.seen} names looked at.`;
  } catch (error) {
    if (!full.signal.aborted) throw error;
    found.state.value = `More than ${mostFound}: search for something more exact.`;
  } finally {
    window.clearInterval(ticking);
    found.rows.value = [...rows];
  }
}

interface All {
  readonly where: Where;
  readonly points: FolderProps['points'];
  readonly found: Found;
}

/** Each path once, with how many restore points have it; it leads to the newest of them. */
async function inAll({ where, points, found }: All, signal: AbortSignal): Promise<void> {
  const paths = new Map<string, { readonly row: FileRow; count: number }>();
  const troubles: string[] = [];
  found.rows.value = [];
  let looked = 0;
  await eachPoint(
    points,
    {
      async look(point, open) {
        const at = await open.open();
        if (typeof at !== 'string') return at;
        const there = { ...where, repository: point.repository, point: point.backup_id, find: '', in: '' };
        const onLines = (lines: readonly FilesEntry[]): void => {
          for (const entry of lines) {
            const known = paths.get(entry.id);
            const to =
              entry.type === 'folder' ? atFolder(there, entry.id) : addressOfPlace({ ...there, file: entry.id });
            if (known) known.count++;
            else if (paths.size < mostFound) paths.set(entry.id, { row: rowOf(entry, { to }), count: 1 });
          }
        };
        const end = await readLines<FilesEntry>(`${at}/search?${searchOf(where)}`, onLines, signal);
        // The folder need not have been there always.
        if ('code' in end) return end.code === 'files.path' || end.code === 'files.volume' ? undefined : end;
        return undefined;
      },
      onLooked(point, trouble) {
        looked++;
        if (trouble) troubles.push(`${exact(point.created)}: ${trouble.message}`);
        found.unreadable.value = [...troubles];
        found.state.value = `${looked} of ${points.length} restore points searched.`;
        found.rows.value = [...paths.values()].map(({ row, count }) => ({
          ...row,
          mark: { word: `in ${count}`, tone: 'idle' as const },
        }));
      },
    },
    signal,
  );
}
