import './table.css';
import type { ComponentChildren, JSX } from 'preact';
import { sorted, type Sorting } from './sorting.ts';

/** A column, and what stands in its cells. */
export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  cell(row: Row): ComponentChildren;
  /** What rows are sorted by; null stands at the end. A column without it sorts nothing. */
  readonly sortBy?: (row: Row) => string | number | null;
  readonly numeric?: boolean;
  readonly wide?: boolean;
  /** Its cells are names or addresses: the others leave them the room for a usual one. */
  readonly named?: boolean;
}

export interface TableProps<Row> {
  /** What the table is about, for who listens. */
  readonly caption: string;
  /** The first one names the row. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
  /** Readers choose by which column. Without it the rows stay as they are. */
  readonly sorting?: Sorting;
}

/** A table. On narrow screens each row becomes a block of its own. */
export function Table<Row>({ caption, columns, rows, keyOf, sorting }: TableProps<Row>): JSX.Element {
  const shown = sorting ? sorted(rows, columns, sorting) : rows;
  return (
    <>
      {sorting ? <SortChoice columns={columns} sorting={sorting} /> : null}
      <div class="table-frame" role="region" aria-label={caption} tabIndex={0}>
        <table class="table folds">
          <caption class="only-read">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Title key={column.id} column={column} sorting={sorting} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column, index) => (
                  <Cell key={column.id} column={column} row={row} names={index === 0} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface TitleProps<Row> {
  readonly column: Column<Row>;
  readonly sorting: Sorting | undefined;
}

function Title<Row>({ column, sorting }: TitleProps<Row>): JSX.Element {
  const { id, title, numeric, sortBy } = column;
  const own = sorting?.by === id;
  return (
    <th
      scope="col"
      class={numeric ? 'number' : ''}
      aria-sort={own ? (sorting.down ? 'descending' : 'ascending') : undefined}
    >
      {sorting && sortBy ? (
        <button type="button" onClick={() => sorting.onSort(id, own && !sorting.down)}>
          {title}
          <span aria-hidden="true">{own ? (sorting.down ? ' ↓' : ' ↑') : ''}</span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}

/** On narrow screens, where there are no titles of columns to press. */
const SortChoice = <Row,>({
  columns,
  sorting,
}: {
  readonly columns: readonly Column<Row>[];
  readonly sorting: Sorting;
}): JSX.Element => (
  <label class="sort-choice">
    <span>Sort by</span>
    <select
      class="input small"
      value={`${sorting.down ? '-' : ''}${sorting.by}`}
      onChange={({ currentTarget: { value } }) => sorting.onSort(value.replace(/^-/, ''), value.startsWith('-'))}
    >
      {columns
        .filter(({ sortBy }) => sortBy)
        .flatMap(({ id, title }) => [
          <option key={id} value={id}>
            {title} ↑
          </option>,
          <option key={`-${id}`} value={`-${id}`}>
            {title} ↓
          </option>,
        ])}
    </select>
  </label>
);

interface CellProps<Row> {
  readonly column: Column<Row>;
  readonly row: Row;
  readonly names: boolean;
}

function Cell<Row>({ column, row, names }: CellProps<Row>): JSX.Element {
  const content = column.cell(row);
  const empty = content === null || content === '';
  const classes = [column.numeric && 'number', column.wide && 'wide', column.named && 'named', empty && 'empty-cell']
    .filter(Boolean)
    .join(' ');
  return names ? (
    <th scope="row" class={classes}>
      {content}
    </th>
  ) : (
    <td class={classes} data-column={column.title}>
      {content}
    </td>
  );
}
