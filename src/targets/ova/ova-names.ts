import { basename, dirname, join, resolve } from 'node:path';
import type { ClaimFacts, ToOf } from '../target-kind.ts';
import { partsOf, writeFolderId } from '../directory/disk-names.ts';

export interface OvaClaim {
  /** Absolute, as the plan names it. */
  readonly file: string;
  /** Folder in which it is written; only this user can write there. Bears the run's id. */
  readonly parts: string;
  /** What it is there. */
  readonly temporary: string;
  /** Run folder of the servers that the disks are read by. */
  readonly folderId: string;
}

export function claimOf(to: ToOf<'ova'>, facts: ClaimFacts): OvaClaim {
  const file = resolve(facts.planFolder, to.ova);
  const parts = partsOf(dirname(file), facts);
  return {
    file,
    parts,
    temporary: join(parts, `vm.${facts.runId}.sendense-part`),
    folderId: writeFolderId(facts.runId),
  };
}

export const partName = ({ temporary }: Pick<OvaClaim, 'temporary'>): string => basename(temporary);

/** Names in the archive. They follow from the VM alone, so that the same restore point gives the same bytes. */
export const descriptorName = (vm: string): string => `${vm}.ovf`;
export const manifestName = (vm: string): string => `${vm}.mf`;
export const nvramName = (vm: string): string => `${vm}.nvram`;
export const diskFileName = (vm: string, disk: string): string => `${vm}-${disk}.vmdk`;

/** Whether a file of the archive is that disk, whatever the VM is called. */
export const isDiskFile = (name: string, disk: string): boolean => name.endsWith(`-${disk}.vmdk`);
