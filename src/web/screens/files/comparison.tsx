import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { FilesDifferenceOutput } from '../../../schemas/types.ts';
import type { Trouble } from '../../client/ask.ts';
import { readLines } from '../../client/json-lines.ts';
import { openPoint } from '../../client/open-point.ts';
import { Choices } from '../../design/narrowing.tsx';
import type { Tone } from '../../design/shapes.tsx';
import { Empty } from '../../design/notice.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { go } from '../../shell/router.ts';
import { FileGrid } from './file-grid.tsx';
import type { FolderProps } from './folder-props.ts';
import { linkIn } from './link-in.ts';
import { rowOf, type FileRow } from './read-folder.ts';
import { Unreadable } from './unreadable.tsx';
import { addressOfPlace, atFolder, type Where } from '../../shell/files-place.ts';

const tones: Readonly<Record<FilesDifferenceOutput['change'], Tone>> = {
  added: 'good',
  removed: 'bad',
  changed: 'warn',
  metadata: 'idle',
};

const kinds = [
  { value: '', word: 'All' },
  { value: 'added', word: 'Added' },
  { value: 'removed', word: 'Removed' },
  { value: 'changed', word: 'Changed' },
  { value: 'metadata', word: 'Only metadata' },
] as const;

/** More than that is not shown. */
const mostShown = 50_000;

/** What differs below the folder between the restore point that is shown and another one; the older one counts as before. */
export function Comparison({ point, points, where }: FolderProps): JSX.Element {
  const rows = useSignal<readonly FileRow[]>([]);
  const state = useSignal('Comparing…');
  const trouble = useSignal<Trouble | undefined>(undefined);
  const unreadable = useSignal<readonly string[]>([]);
  const kind = useSignal<string>('');
  const running = useSignal(true);
  const other = points.find((one) => one.backup_id === where.with && one.repository === where.repository);
  const here = points.find((one) => one.backup_id === where.point && one.repository === where.repository);
  useEffect(() => {
    if (!other || !here || !running.value) return undefined;
    const gone = new AbortController();
    const full = new AbortController();
    const found: FileRow[] = [];
    const older = other.created < here.created;
    const theirs = { ...where, with: '', point: other.backup_id };
    const [before, after] = older ? [theirs, { ...where, with: '' }] : [{ ...where, with: '' }, theirs];
    const ticking = window.setInterval(() => (rows.value = [...found]), 300);
    const work = async (): Promise<void> => {
      const open = openPoint({ vm: other.vm, repository: other.repository, point: other.backup_id });
      const alive = await point.ask('');
      const [own, their] = [alive.ok === false ? alive.trouble : await point.open(), await open.open()];
      gone.signal.throwIfAborted();
      if (typeof own !== 'string') return void (trouble.value = own);
      if (typeof their !== 'string') return void (trouble.value = their);
      const ids = [their, own].map((address) => address.slice(address.lastIndexOf('/') + 1));
      const [a = '', b = ''] = older ? ids : ids.toReversed();
      const query = new URLSearchParams({
        a: decodeURIComponent(a),
        b: decodeURIComponent(b),
        volume: where.volume,
        path: where.path,
      });
      const onLines = (lines: readonly FilesDifferenceOutput[]): void => {
        found.push(...lines.map((line) => differenceRow(line, before, after)));
        if (found.length >= mostShown) full.abort();
      };
      const end = await readLines(
        `/api/v1/restore/compare?${query.toString()}`,
        onLines,
        AbortSignal.any([gone.signal, full.signal]),
      );
      if ('code' in end) trouble.value = end;
      else unreadable.value = end.unreadable;
      state.value = 'code' in end ? 'The comparison broke off.' : `${end.seen} paths compared.`;
    };
    work()
      .catch((error: unknown) => {
        if (full.signal.aborted) state.value = `More than ${mostShown}: compare a folder further down.`;
        else if (!gone.signal.aborted) throw error;
      })
      .finally(() => {
        window.clearInterval(ticking);
        rows.value = [...found];
        if (!gone.signal.aborted) running.value = false;
      });
    return () => gone.abort();
  }, [running.value]);
  const shown = useMemo(
    () => (kind.value === '' ? rows.value : rows.value.filter(({ mark }) => mark?.word === kind.value)),
    [rows.value, kind.value],
  );
  const linkOf = linkIn(where);
  if (!other)
    return <Empty title="The other restore point is gone.">A policy may have removed it. Choose another one.</Empty>;
  return (
    <>
      <div class="table-tools">
        <Choices label="What differs" choices={kinds} value={kind.value} onChoose={(value) => (kind.value = value)} />
        <span role="status">
          {state.value} {rows.value.length} {rows.value.length === 1 ? 'difference' : 'differences'}.
        </span>
        {running.value ? (
          <button
            type="button"
            class="button small"
            onClick={() => {
              running.value = false;
              state.value = 'Stopped.';
            }}
          >
            Stop
          </button>
        ) : null}
      </div>
      <TroubleNotice of={trouble.value} />
      {unreadable.value.length > 0 ? <Unreadable lines={unreadable.value} /> : null}
      {shown.length === 0 ? (
        running.value || trouble.value ? null : (
          <Empty title="Nothing differs here.">Both restore points have the same files below this folder.</Empty>
        )
      ) : (
        <FileGrid
          label="What differs"
          rows={shown}
          total={shown.length}
          linkOf={linkOf}
          onOpen={(row) => go(linkOf(row))}
        />
      )}
    </>
  );
}

/** It leads to where the file is: what was removed, to the restore point before. */
function differenceRow(line: FilesDifferenceOutput, before: Where, after: Where): FileRow {
  const entry = line.after ?? line.before;
  const there = line.after ? after : before;
  if (!entry) throw new Error('a difference is of neither side');
  const to = entry.type === 'folder' ? atFolder(there, entry.id) : addressOfPlace({ ...there, file: entry.id });
  return rowOf(entry, {
    name: line.path.replace(/^\//, ''),
    mark: { word: line.change, tone: tones[line.change] },
    to,
  });
}
