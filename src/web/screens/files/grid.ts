import type { RefObject } from 'preact';
import type { Signal } from '@preact/signals';
import type { Sorting } from '../../design/sorting.ts';
import type { FileRow } from './read-folder.ts';

export interface FileGridProps {
  /** For who listens. */
  readonly label: string;
  /** In their order. */
  readonly rows: readonly FileRow[];
  /** How many there will be, where they still come. */
  readonly total: number;
  /** Undefined: they stand as they come. */
  readonly sorting?: Sorting;
  /** Ids of entries. Undefined: nothing can be selected. */
  readonly selected?: Signal<ReadonlySet<string>>;
  /** Where the name of a row leads. */
  linkOf(row: FileRow): string;
  onOpen(row: FileRow): void;
  onUp?(): void;
}

/** Of a row, and of the titles; as in file-grid.css. */
export const rowPx = 32;
/** Where the reader is in a list. */
export interface GridState {
  readonly frame: RefObject<HTMLDivElement | null>;
  /** Id of the entry at which the keys act. */
  readonly active: Signal<string | null>;
  /** Id of the entry from which Shift selects. */
  readonly anchor: { current: string | null };
  /** Place of the active one among the rows; -1: none. */
  readonly at: number;
}
