import type { JSX } from 'preact';
import { Choices, Find } from '../design/narrowing.tsx';
import { place, setQuery } from './router.ts';

/** Which rows of a table are shown. The first one is shown where the address names none. */
export interface RowChoice<Row> {
  readonly value: string;
  readonly word: string;
  fits(row: Row): boolean;
}

/** The rows that the address wants: `?show=failed&find=web`. @param textOf what is looked through */
export function narrowed<Row>(
  rows: readonly Row[],
  choices: readonly RowChoice<Row>[],
  textOf: (row: Row) => string,
): Row[] {
  const { query } = place.value;
  const chosen = choices.find(({ value }) => value === query.get('show')) ?? choices[0];
  const wanted = (query.get('find') ?? '').toLowerCase();
  return rows.filter((row) => (chosen?.fits(row) ?? true) && textOf(row).toLowerCase().includes(wanted));
}

/** What narrows a table of VMs, by the address. */
export const NarrowVms = ({
  choices,
}: {
  readonly choices: readonly Omit<RowChoice<never>, 'fits'>[];
}): JSX.Element => {
  const { query } = place.value;
  return (
    <div class="table-tools">
      <Choices
        label="Which VMs"
        choices={choices}
        value={query.get('show') ?? ''}
        onChoose={(show) => setQuery({ show })}
      />
      <Find label="Find a VM" value={query.get('find') ?? ''} onFind={(find) => setQuery({ find })} />
    </div>
  );
};
