import { basename, dirname, join } from 'node:path';

/** Names of a repository's files, relative to its root. `docs/repository.md` draws the tree. */
export const markerName = 'sendense-repository.json';

/** What Sendense keeps in a repository beside the VMs; no VM can have this name. */
export const careFolder = '.sendense';

/** Files that `repo gc` has put aside, in a folder named by the time. */
export const trashFolder = join(careFolder, 'trash');

/** Locks of VMs, one folder each. */
export const locksFolder = join(careFolder, 'locks');

export const diskName = (number: number): string => `disk-${number}`;

export const manifestPath = (context: string, backupId: string): string => join(context, `${backupId}.json`);

/** The configuration of the VM, beside the manifest. */
export const vmConfigPath = (context: string, backupId: string): string => join(context, `${backupId}.vm-config`);

/** The manifest that a VM's configuration belongs to, once it is committed. */
export const manifestOfVmConfig = (file: string): string => join(dirname(file), `${basename(file, '.vm-config')}.json`);

/** The manifest that an image belongs to, once it is committed. */
export const manifestOfImage = (image: string): string =>
  join(dirname(dirname(image)), `${basename(image, '.qcow2')}.json`);

export const diskFolder = (context: string, number: number): string => join(context, diskName(number));

export const imagePath = (context: string, number: number, backupId: string): string =>
  join(diskFolder(context, number), `${backupId}.qcow2`);

export const indexPath = (context: string, number: number, backupId: string): string =>
  join(diskFolder(context, number), `${backupId}.index`);

/** The backing file as an overlay names it: beside it, so that a repository can be moved. */
export const backingName = (parentId: string): string => `${parentId}.qcow2`;

/** Ids sort by time: `20261121T013000Z-4f2a91`. */
export function backupIdOf(startedAt: number, runId: string): string {
  const time = new Date(startedAt)
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.[0-9]+/, '');
  return `${time}-${runId.slice(-6)}`;
}

/** Of the configuration of a VM in a repository: more than any has. */
export const mostVmConfigBytes = 64 * 1024 * 1024;
