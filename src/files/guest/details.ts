import type { Entry } from '../protocol.ts';
import type { Details } from './platform.ts';

type Attributes = readonly (readonly [name: string, value: string])[];

interface FullDetails {
  complete(entry: Entry): Entry;
  /** @param told what the mount tells, values in base64 */
  attributes(inode: string, told: Attributes): Attributes;
}

/** What a mount tells of files, with what it does not. Of a file that cannot be looked at more closely, what the mount tells stands. */
export function detailsOf(details: Details | null): FullDetails {
  return {
    complete: (entry) => (details && entry.inode !== '0' ? attempt(() => details.complete(entry), entry) : entry),
    attributes(inode, told) {
      const known = details ? attempt(() => details.attributes(inode), null) : null;
      if (!known) return told;
      const others = told.filter(([name]) => !known.has(name) && name !== contentName);
      return [...others, ...[...known].map(([name, value]) => [name, value.toString('base64')] as const)];
    },
  };
}

/** fuse2fs tells of the content of a small file as an attribute. */
const contentName = 'system.data';

function attempt<T>(act: () => T, otherwise: T): T {
  try {
    return act();
  } catch {
    return otherwise;
  }
}
