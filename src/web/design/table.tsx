import './table.css';
import type { ComponentChildren, JSX } from 'preact';

/** A column, and what stands in its cells. */
export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  cell(row: Row): ComponentChildren;
  readonly numeric?: boolean;
  readonly wide?: boolean;
}

export interface TableProps<Row> {
  /** What the table is about, for who listens. */
  readonly caption: string;
  /** The first one names the row. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
}

/** A table. On narrow screens each row becomes a block of its own. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>): JSX.Element {
  return (
    <div class="table-frame" role="region" aria-label={caption} tabIndex={0}>
      <table class="table folds">
        <caption class="only-read">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" class={column.numeric ? 'number' : ''}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column, index) => (
                <Cell key={column.id} column={column} row={row} names={index === 0} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps<Row> {
  readonly column: Column<Row>;
  readonly row: Row;
  readonly names: boolean;
}

function Cell<Row>({ column, row, names }: CellProps<Row>): JSX.Element {
  const content = column.cell(row);
  const empty = content === null || content === '';
  const classes = [column.numeric && 'number', column.wide && 'wide', empty && 'empty-cell'].filter(Boolean).join(' ');
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
