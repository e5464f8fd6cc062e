import { shownName } from './shown.ts';
import type { FilesEntry } from '../schemas/types.ts';

/** The bytes of a path: components by the bytes of their names, a folder before what is in it. */
export function comparePaths(a: Buffer, b: Buffer): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const [one = 0, other = 0] = [a[at], b[at]];
    if (one !== other) return rankOf(one) - rankOf(other);
  }
  return a.length - b.length;
}

/** A slash ends a name, and so it comes before every other byte. */
const rankOf = (byte: number): number => (byte === 0x2f ? 0 : byte + 1);

/** The whole place of an entry, as the command line takes it. */
export const placeText = (volume: string, entry: Pick<FilesEntry, 'id'>): string =>
  `${volume}:/${shownName(Buffer.from(entry.id, 'base64url'))}`;
