import { longestPath, type Answer, type Entry, type WalkFilter } from '../protocol.ts';
import { filterOf } from './filter.ts';
import { goThrough, type Begin } from './go-through.ts';
import { pathAlong } from './trail.ts';
import { entryOf, statOf, typeOf } from './tree.ts';

interface Walker {
  tell(entry: Entry): Promise<void>;
  /** Called again and again, also where nothing fits; what it throws ends the walk. */
  pause(): Promise<void>;
}

/** Tells of what is below a folder and fits: a folder before what is in it, names in the order of their bytes. */
export async function walkBelow(begin: Begin, asked: WalkFilter, { tell, pause }: Walker): Promise<Answer<'walk'>> {
  const { depth, mayFit, fits } = filterOf(asked);
  return await goThrough(begin, {
    depth,
    pause,
    // All that is told can be asked for.
    longest: longestPath - (begin.path.length === 0 ? 0 : begin.path.length + 1),
    tooLong: `what is in it has a path of more than ${longestPath} bytes`,
    async visit({ name, type: known, folder, trail }) {
      if (known !== null && !mayFit(name, known)) return known;
      const place = { folder, name };
      const stats = statOf(place);
      const type = typeOf(stats);
      if (mayFit(name, type) && fits(stats)) await tell(entryOf(pathAlong(trail), stats, place));
      return type;
    },
  });
}
