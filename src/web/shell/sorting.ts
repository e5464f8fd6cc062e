import type { Sorting } from '../design/sorting.ts';
import { place, setQuery } from './router.ts';

/** What the address says that a table is sorted by: `?sort=size`, or `?sort=-size` for the other way round. @param usual where it says nothing */
export function sortingHere(usual: string): Sorting {
  const text = place.value.query.get('sort') ?? usual;
  return {
    by: text.replace(/^-/, ''),
    down: text.startsWith('-'),
    onSort(by, down) {
      const next = `${down ? '-' : ''}${by}`;
      setQuery({ sort: next === usual ? null : next });
    },
  };
}
