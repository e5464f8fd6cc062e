import { randomBytes } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoreSelectionRequest } from '../../schemas/types.ts';

/** What callers have selected in a session, to be downloaded by GET: a browser saves nothing that a POST answers. */
export interface Selections {
  /** @returns its id */
  add(selection: RestoreSelectionRequest): string;
  /** @throws SendenseError `files.selection` */
  one(id: string): RestoreSelectionRequest;
}

/** The oldest ones are forgotten where there are more, or where all together have more paths. */
const most = { selections: 50, bytes: 32 * 1024 * 1024 };

export function createSelections(): Selections {
  const all = new Map<string, { readonly selection: RestoreSelectionRequest; readonly bytes: number }>();
  let bytes = 0;
  return {
    add(selection) {
      const id = randomBytes(12).toString('hex');
      const own = sizeOf(selection);
      all.set(id, { selection, bytes: own });
      bytes += own;
      for (const [old, { bytes: freed }] of all) {
        if (all.size <= most.selections && bytes <= most.bytes) break;
        all.delete(old);
        bytes -= freed;
      }
      return id;
    },
    one(id) {
      const found = all.get(id)?.selection;
      if (!found) throw new SendenseError('files.selection', `nothing is selected as ${id}`);
      return found;
    },
  };
}

const sizeOf = ({ paths, folders = [] }: RestoreSelectionRequest): number =>
  [...paths, ...folders].reduce((sum, path) => sum + path.length, 0);
