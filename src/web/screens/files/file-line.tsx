import type { JSX } from 'preact';
import { formatBytes, formatTime } from '../../../view/format.ts';
import { Text } from '../../design/text.tsx';
import type { FileGridProps, GridState } from './grid.ts';
import { range, toggled } from './grid-keys.ts';
import { TypeIcon } from './icons.tsx';
import type { FileRow } from './read-folder.ts';

export interface FileLineProps {
  readonly row: FileRow;
  readonly domId: string;
  readonly index: number;
  readonly active: boolean;
  /** Undefined: nothing can be selected. */
  readonly marked: boolean | undefined;
  readonly list: FileGridProps;
  readonly state: GridState;
}

/** One file of a list. */
export function FileLine({ row, domId, index, active, marked, list, state }: FileLineProps): JSX.Element {
  const { entry, name, mark } = row;
  return (
    <div
      id={domId}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={marked}
      class={`file-line ${active ? 'active' : ''} ${marked ? 'marked' : ''}`}
      onClick={(event) => select(event, { row, list, state })}
      onDblClick={() => list.onOpen(row)}
    >
      {marked === undefined ? null : (
        <span role="gridcell" class="check">
          <input
            type="checkbox"
            tabIndex={-1}
            checked={marked}
            aria-label={`Select ${name}`}
            onClick={(event) => {
              event.stopPropagation();
              state.active.value = state.anchor.current = entry.id;
              toggled(list.selected, entry.id);
            }}
          />
        </span>
      )}
      <span role="gridcell" class="name">
        {mark === undefined ? null : <span class={`file-mark tone-${mark.tone}`}>{mark.word}</span>}
        <TypeIcon type={entry.type} />
        <a href={list.linkOf(row)} tabIndex={-1} title={name}>
          <Text of={name} />
        </a>
        {entry.target === null ? null : (
          <span class="soft target">
            → <Text of={entry.target} />
          </span>
        )}
      </span>
      <span role="gridcell" class="size">
        {entry.type === 'file' ? formatBytes(entry.size) : ''}
      </span>
      <span role="gridcell" class="changed">
        {timeOf(row)}
      </span>
      <span role="gridcell" class="mode mono">
        {entry.mode}
      </span>
      <span role="gridcell" class="owner">
        {entry.uid}:{entry.gid}
      </span>
    </div>
  );
}

/** Longest time that a `Date` has, ms from 1970. */
const mostMs = 8.64e15;

/** When it changed last. A damaged file system has times that no calendar has. */
export const timeOf = ({ changed }: Pick<FileRow, 'changed'>): string =>
  Math.abs(changed) <= mostMs ? formatTime(changed) : 'no time';

interface Clicked {
  readonly row: FileRow;
  readonly list: FileGridProps;
  readonly state: GridState;
}

/** A click selects, as file managers do it; on the name it leads there. */
function select(event: MouseEvent, { row: { entry }, list: { rows, selected }, state }: Clicked): void {
  if ((event.target as Element).closest('a')) return;
  const anchor = state.anchor.current ?? entry.id;
  state.active.value = entry.id;
  if (!selected) return;
  if (event.shiftKey) {
    getSelection()?.removeAllRanges();
    selected.value = range(rows, anchor, entry.id);
    return;
  }
  state.anchor.current = entry.id;
  if (event.ctrlKey || event.metaKey) toggled(selected, entry.id);
  else selected.value = new Set([entry.id]);
}
