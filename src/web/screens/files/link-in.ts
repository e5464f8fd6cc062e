import type { FileRow } from './read-folder.ts';
import { addressOfPlace, atFolder, type Where } from '../../shell/files-place.ts';

/** Where the name of a file leads. */
export const linkIn =
  (where: Where) =>
  ({ entry, to }: FileRow): string =>
    to ?? (entry.type === 'folder' ? atFolder(where, entry.id) : addressOfPlace({ ...where, file: entry.id }));
