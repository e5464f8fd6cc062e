import type { PlannedEffect } from '../../schemas/types.ts';
import type { WrittenDisk } from '../target-kind.ts';

/** What somebody has to know who opens the disk. */
export const attachedNotes = {
  twice: 'its file systems have the names and uuids of the ones beside it: docs/restore.md says how to open them',
} as const;

/** What publishing does to each disk. */
export const disksAttached = (written: readonly WrittenDisk[]): PlannedEffect[] =>
  written.map(({ disk, file }) => ({ action: 'change', target: file, detail: `${disk} is attached`, argv: null }));
