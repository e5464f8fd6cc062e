import { rowPx, type FileGridProps, type GridState } from './grid.ts';
import type { FileRow } from './read-folder.ts';

type Selected = FileGridProps['selected'];

/** Selects an entry, or no longer. */
export function toggled(selected: Selected, id: string): void {
  if (!selected) return;
  const next = new Set(selected.peek());
  if (!next.delete(id)) next.add(id);
  selected.value = next;
}

/** All from one entry to another. */
export function range(rows: readonly FileRow[], from: string, to: string): ReadonlySet<string> {
  const [a, b] = [placeOf(rows, from), placeOf(rows, to)];
  return new Set(rows.slice(Math.min(a, b), Math.max(a, b) + 1).map(({ entry }) => entry.id));
}

const placeOf = (rows: readonly FileRow[], id: string): number =>
  Math.max(
    0,
    rows.findIndex(({ entry }) => entry.id === id),
  );

let goesOn = false;

/** Whether a key has led to the list that shows now: the keyboard goes on in it. Says so once. */
export function keysGoOn(): boolean {
  const before = goesOn;
  goesOn = false;
  return before;
}

/** Goes to another folder by a key. */
const leads = (to: () => void) => (): void => {
  goesOn = true;
  to();
};

/** What a key does in a list: the keys of file managers. */
export function useKeys(props: FileGridProps, state: GridState): (event: KeyboardEvent) => void {
  return (event) => {
    // A button in the titles has keys of its own.
    if (event.target !== event.currentTarget && (event.target as Element).closest('button')) return;
    if (event.altKey && event.key !== 'ArrowUp') return;
    const act = steps(event, props, state) ?? acts(event, props, state);
    if (!act) return;
    event.preventDefault();
    act();
  };
}

/** Keys that go somewhere. */
function steps(event: KeyboardEvent, { rows, selected }: FileGridProps, state: GridState): (() => void) | undefined {
  const { frame, active, anchor, at } = state;
  const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? 0) / rowPx) - 2);
  const places: Partial<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: rows.length - 1,
  };
  const wanted = places[event.key];
  if (wanted === undefined || event.altKey) return undefined;
  return () => {
    const to = Math.max(0, Math.min(rows.length - 1, wanted));
    const row = rows[to];
    if (!row) return;
    const from = active.peek() ?? row.entry.id;
    active.value = row.entry.id;
    show(frame.current, to);
    if (!event.shiftKey || !selected) return;
    anchor.current ??= from;
    selected.value = range(rows, anchor.current, row.entry.id);
  };
}

/** Keys that do something with where the reader is. */
function acts(
  { key, ctrlKey, metaKey, altKey }: KeyboardEvent,
  { rows, selected, onOpen, onUp }: FileGridProps,
  { active, anchor, at }: GridState,
): (() => void) | undefined {
  const row = rows[at];
  if ((key === 'Backspace' || (altKey && key === 'ArrowUp')) && onUp) return leads(onUp);
  if (key === 'Enter' && row) return row.entry.type === 'folder' ? leads(() => onOpen(row)) : () => onOpen(row);
  if (!selected) return undefined;
  if (key === ' ' && row)
    return () => {
      anchor.current = active.peek();
      toggled(selected, row.entry.id);
    };
  if ((ctrlKey || metaKey) && key.toLowerCase() === 'a')
    return () => void (selected.value = new Set(rows.map(({ entry }) => entry.id)));
  if (key === 'Escape' && selected.peek().size > 0) return () => void (selected.value = new Set());
  return undefined;
}

/** Scrolls so far that the row is between the titles and the end of the window. */
function show(frame: HTMLDivElement | null, at: number): void {
  if (!frame) return;
  const top = at * rowPx;
  if (top < frame.scrollTop) frame.scrollTop = top;
  else if (top + 2 * rowPx > frame.scrollTop + frame.clientHeight)
    frame.scrollTop = top + 2 * rowPx - frame.clientHeight;
}
