import type { VmConfig } from '../../../schemas/types.ts';
import type { NewVm } from './make-vm.ts';
import type { WantedPlace } from './place.ts';
import type { RestoreMark } from './restore-mark.ts';
import type { SpecOptions } from './vm-spec.ts';

export interface RestoredDisk {
  /** NBD URI, read-only. */
  readonly from: string;
  /** Its pre-shared key. */
  readonly psk?: string | null;
  readonly bytes: number;
  /** Bytes that hold data. */
  readonly used: number;
}

export interface VmRestore extends Pick<SpecOptions, 'mac' | 'identity' | 'connect' | 'thin' | 'asked'> {
  readonly config: VmConfig;
  /** By key. */
  readonly disks: ReadonlyMap<number, RestoredDisk>;
  readonly wanted: WantedPlace;
  readonly mark: RestoreMark;
  readonly withoutTpm: boolean;
  /** The run that began the VM; null: this one does. */
  readonly takesOver?: string | null;
  /** Hears how far each disk is, from 0 to 1. `isKept`: an earlier try has copied it. */
  onProgress?(key: number, fraction: number, isKept: boolean): void;
  /** Hears how the disks are written, and why so. */
  onWay?(says: string): void;
  /** Hears what is done while no bytes move. */
  onActivity?(what: string | null): void;
  /** Hears of the VM as soon as it is there. */
  onMade?(vm: RestoredVm): void;
}

export interface RestoredVm extends NewVm {
  /** What the VM does not have of the old one, in words. */
  readonly leftOut: readonly string[];
}
