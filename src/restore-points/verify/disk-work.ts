import type { Pace } from '../../blocks/pacer.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import { noKeys, type ImageKeys } from '../../repository/image-keys.ts';
import type { CheckOutput, Manifest } from '../../schemas/types.ts';
import type { LookedAt } from './looked-at.ts';

/** What is wrong, as `check` and `verify` report it. */
export interface Problem {
  readonly code: CheckOutput['findings'][number]['code'];
  /** Relative to the repository. */
  readonly path: string;
  /** Follows the path in a sentence. */
  readonly message: string;
}

export interface DiskToExamine {
  /** Of the repository, absolute. */
  readonly root: string;
  readonly context: string;
  readonly disk: Manifest['disks'][number];
  /**
   * What is read of it. `none`: names, sizes, times and qcow2 structure. `stored`: each byte of its own file. `written`: through the
   * chain what it holds and what changed, for one whose parent is proven. `whole`: the guest's whole disk through the chain.
   */
  readonly content: 'none' | 'stored' | 'written' | 'whole';
  /** Of the repository; default: none. */
  readonly keys?: ImageKeys | undefined;
  /** What was looked at with other restore points of the VM. */
  readonly lookedAt?: LookedAt | undefined;
  /** Of a run folder, for sockets. */
  readonly folderId: string;
  readonly background?: boolean;
  readonly pace?: Pace | undefined;
  readonly paceBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of bytes that were dealt with since the last time. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

/** @throws SendenseError `repository.key` */
export const keyOf = ({ keys = noKeys, disk }: DiskToExamine): ImageKey | null => keys.of(disk);
