import type { JSX } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { formatBytes } from '../../../view/format.ts';
import { downloadFile, downloadFolder, downloadSelection, type ArchiveFormat } from '../../client/downloads.ts';
import type { OpenPoint } from '../../client/open-point.ts';
import { Command } from './command.tsx';
import { stepsOf } from './path-bytes.ts';
import type { FileRow } from './read-folder.ts';
import type { Where } from '../../shell/files-place.ts';

export interface SelectionProps {
  readonly point: OpenPoint;
  readonly where: Where;
  /** All that can be selected. */
  readonly rows: readonly FileRow[];
  /** How many names the folder has; null: these rows are not all of one folder. */
  readonly total: number | null;
  readonly selected: Signal<ReadonlySet<string>>;
}

/** So many paths fit into one selection; more than that is a whole folder. */
const mostPaths = 10_000;

const formats: readonly ArchiveFormat[] = ['zip', 'tar.gz'];

/** What is selected, and what can be done with it. */
export function Selection({ point, where, rows, total, selected }: SelectionProps): JSX.Element {
  const commanded = useSignal(false);
  const ids = selected.value;
  const chosen = useMemo(() => (ids.size === 0 ? [] : rows.filter(({ entry }) => ids.has(entry.id))), [rows, ids]);
  const all = total !== null && chosen.length === total;
  const tooMany = chosen.length > mostPaths && !all;
  const [only] = chosen;
  const single = chosen.length === 1 && only?.entry.type === 'file' ? only : null;
  const { volume, path } = where;
  const archive = (format: ArchiveFormat): void => {
    const name = `${nameOf(where, chosen)}.${format}`;
    if (all && chosen.length > mostPaths) void downloadFolder(point, name, { volume, path, format });
    else
      void downloadSelection(point, name, {
        volume,
        paths: chosen.map(({ entry }) => entry.id),
        ...(path === '' ? {} : { from: path }),
        format,
      });
  };
  return (
    <div class="selection" role="group" aria-label="What is selected">
      <span role="status">{chosenText(chosen)}</span>
      {single ? (
        <button
          type="button"
          class="button small primary"
          onClick={() => void downloadFile(point, single.name, { volume, path: single.entry.id })}
        >
          Download
        </button>
      ) : null}
      {chosen.length > 0 && !tooMany
        ? formats.map((format) => (
            <button key={format} type="button" class="button small" onClick={() => archive(format)}>
              Download {format}
            </button>
          ))
        : null}
      {tooMany ? <span class="soft">Select at most {mostPaths}, or the whole folder (Ctrl+A).</span> : null}
      {chosen.length > 0 && !tooMany ? (
        <button type="button" class="button small" onClick={() => (commanded.value = true)}>
          The command for this
        </button>
      ) : null}
      {commanded.value ? (
        <Command
          where={where}
          paths={all ? [path] : chosen.map(({ entry }) => entry.id)}
          onClose={() => (commanded.value = false)}
        />
      ) : null}
    </div>
  );
}

function chosenText(chosen: readonly FileRow[]): string {
  if (chosen.length === 0) return 'Nothing is selected. Arrows move, Space selects, Enter opens.';
  const bytes = chosen.reduce((sum, { entry }) => sum + (entry.type === 'file' ? entry.size : 0), 0);
  const folders = chosen.filter(({ entry }) => entry.type === 'folder').length;
  const names = `${chosen.length} selected`;
  return folders === 0
    ? `${names}, ${formatBytes(bytes)}`
    : `${names}, ${formatBytes(bytes)} and what is in ${folders === 1 ? 'the folder' : `${folders} folders`}`;
}

const nameOf = ({ volume, path }: Where, chosen: readonly FileRow[]): string =>
  (chosen.length === 1 ? chosen[0]?.name : stepsOf(path).at(-1)?.name) ?? volume;
