import { join } from 'node:path';
import { overlayName } from './boot-files.ts';
import type { BootDisk } from './boot-machine.ts';
import { moveOf, partFile } from './boot-move.ts';
import type { BootRow } from '../state/boots/boots.ts';

/** What a disk of a running VM consists of. */
export interface DiskFiles {
  /** One or two, the newest first; absolute paths. */
  readonly layers: readonly { readonly file: string; readonly encrypted: boolean }[];
  /** Whether the chain in the repository is below them. */
  readonly onChain: boolean;
}

/** As they are now: what the guest wrote, and above it the file that all of it moves into, if that has begun. */
export function diskFiles(row: Pick<BootRow, 'id' | 'folder' | 'move'>, { number, encrypted }: BootDisk): DiskFiles {
  const overlay = { file: join(row.folder, overlayName(number)), encrypted };
  const move = moveOf(row);
  const moved = move?.disks.find((disk) => disk.number === number);
  if (!move || !moved || moved.state === 'waiting') return { layers: [overlay], onChain: true };
  const target = { file: moved.state === 'done' ? moved.path : partFile(move, row.id, number), encrypted: false };
  return moved.state === 'streaming'
    ? { layers: [target, overlay], onChain: true }
    : { layers: [target], onChain: false };
}
