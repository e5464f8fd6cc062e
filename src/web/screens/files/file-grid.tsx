import './file-grid.css';
import type { JSX, RefObject } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import { useId, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Sorting } from '../../design/sorting.ts';
import { FileLine } from './file-line.tsx';
import { rowPx, type FileGridProps, type GridState } from './grid.ts';
import { keysGoOn, useKeys } from './grid-keys.ts';

/** Rows that are drawn beyond the window. */
const beyond = 12;

/** A list of files of any length: only what the window shows is drawn. */
export function FileGrid(props: FileGridProps): JSX.Element {
  const { label, rows, total, selected } = props;
  const frame = useRef<HTMLDivElement>(null);
  const name = useId();
  const top = useSignal(0);
  const height = useSignal(rowPx * 20);
  const active = useSignal<string | null>(null);
  useHeight(frame, height);
  useLayoutEffect(() => {
    if (keysGoOn()) frame.current?.focus({ preventScroll: true });
  }, []);
  const at = useMemo(() => rows.findIndex(({ entry }) => entry.id === active.value), [rows, active.value]);
  const state: GridState = { frame, active, anchor: useRef<string | null>(null), at };
  const onKeyDown = useKeys(props, state);
  const first = Math.max(0, Math.floor(top.value / rowPx) - beyond);
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / rowPx) + beyond);
  const marked = selected?.value;
  return (
    <div
      class="file-grid"
      role="grid"
      aria-label={label}
      aria-rowcount={total + 1}
      aria-multiselectable={selected ? true : undefined}
      aria-activedescendant={at >= first && at < last ? `${name}-${at}` : undefined}
      tabIndex={0}
      ref={frame}
      style={{ '--rows': rows.length }}
      onKeyDown={onKeyDown}
      onScroll={() => (top.value = frame.current?.scrollTop ?? 0)}
    >
      <Titles sorting={props.sorting} selects={selected !== undefined} />
      <div role="rowgroup" class="file-rows" style={{ blockSize: `${rows.length * rowPx}px` }}>
        <div role="presentation" class="file-slice" style={{ transform: `translateY(${first * rowPx}px)` }}>
          {rows.slice(first, last).map((row, index) => (
            <FileLine
              key={first + index}
              row={row}
              domId={`${name}-${first + index}`}
              index={first + index}
              active={first + index === at}
              marked={marked?.has(row.entry.id)}
              list={props}
              state={state}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function useHeight(frame: RefObject<HTMLDivElement | null>, height: Signal<number>): void {
  useLayoutEffect(() => {
    const { current } = frame;
    if (!current) return undefined;
    const observer = new ResizeObserver(() => (height.value = current.clientHeight));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
}

const columns = [
  { id: 'name', title: 'Name', sorts: true },
  { id: 'size', title: 'Size', sorts: true },
  { id: 'changed', title: 'Changed', sorts: true },
  { id: 'mode', title: 'Mode', sorts: false },
  { id: 'owner', title: 'Owner', sorts: false },
] as const;

const Titles = ({
  sorting,
  selects,
}: {
  readonly sorting: Sorting | undefined;
  readonly selects: boolean;
}): JSX.Element => (
  <div role="rowgroup" class="file-titles">
    <div role="row" aria-rowindex={1} class="file-line">
      {selects ? (
        <span role="columnheader" class="check">
          <span class="only-read">Selected</span>
        </span>
      ) : null}
      {columns.map(({ id, title, sorts }) => {
        const own = sorting?.by === id;
        const way = own ? (sorting.down ? 'descending' : 'ascending') : undefined;
        return (
          <span key={id} role="columnheader" class={id} aria-sort={way}>
            {sorting && sorts ? (
              <button type="button" onClick={() => sorting.onSort(id, own && !sorting.down)}>
                {title}
                <span aria-hidden="true">{own ? (sorting.down ? ' ↓' : ' ↑') : ''}</span>
              </button>
            ) : (
              title
            )}
          </span>
        );
      })}
    </div>
  </div>
);
