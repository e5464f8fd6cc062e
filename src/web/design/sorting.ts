/** By what the rows of a table are sorted. */
export interface Sorting {
  /** Id of a column. */
  readonly by: string;
  readonly down: boolean;
  onSort(by: string, down: boolean): void;
}

interface Sortable<Row> {
  readonly id: string;
  readonly sortBy?: (row: Row) => string | number | null;
}

const names = new Intl.Collator('en', { numeric: true });

/** The rows in their order; what there is nothing of stands at the end, whichever way. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Sortable<Row>[],
  { by, down }: Pick<Sorting, 'by' | 'down'>,
): readonly Row[] {
  const sortBy = columns.find(({ id }) => id === by)?.sortBy;
  if (!sortBy) return rows;
  const sign = down ? -1 : 1;
  return rows
    .map((row) => ({ row, value: sortBy(row) }))
    .sort((a, b) =>
      a.value === null || b.value === null
        ? Number(a.value === null) - Number(b.value === null)
        : sign * compare(a.value, b.value),
    )
    .map(({ row }) => row);
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(String(a), String(b));
