import type { Extent } from '../../blocks/extents.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import type { MergeDisk } from '../../repository/merge/intent.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { MergeWork } from './merge-work.ts';

export interface ToProve {
  readonly work: MergeWork;
  /** Backup id of the child. */
  readonly child: string;
  /** Its image as it was before, absolute. */
  readonly image: string;
  readonly disk: MergeDisk;
  /** Of the child, as its manifest has it. */
  readonly stored: Manifest['disks'][number];
  /** What was made, absolute. Nobody writes to it any more. */
  readonly result: string;
  readonly key: ImageKey | null;
  /** What was copied; null: what the file holds. */
  readonly held: readonly Extent[] | null;
  /** Where the disk may differ from what the file showed before; null: anywhere. */
  readonly changed: readonly Extent[] | null;
}
