import { join } from 'node:path';
import type { BootRow } from '../state/boots/boots.ts';

/** How far the data of a VM has moved. */
export interface BootMove {
  /** Absolute. */
  readonly directory: string;
  /** The directory was not there before. Missing in moves of older versions. */
  readonly made?: boolean;
  readonly begun: number;
  /** How fast each disk is copied; null: as fast as it can be. */
  readonly bytesPerSecond: number | null;
  readonly disks: readonly MovedDisk[];
}

export interface MovedDisk {
  readonly number: number;
  /** The name that the file gets in the end, absolute. */
  readonly path: string;
  /** `copied`: all data is there, and the file has not got its name yet. */
  readonly state: 'waiting' | 'streaming' | 'copied' | 'done';
}

export const moveOf = ({ move }: Pick<BootRow, 'move'>): BootMove | null =>
  move === null ? null : (JSON.parse(move) as BootMove);

/** A name that nobody else gives to a file: the id of the VM is random. */
export const partFile = ({ directory }: Pick<BootMove, 'directory'>, id: string, number: number): string =>
  join(directory, `.${id}-disk-${number}.qcow2.sendense-part`);
