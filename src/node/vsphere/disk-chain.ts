import { at, optionalText, xsiType, type XmlValue } from './xml.ts';

/** A file of the chain that a disk is read from. */
export interface ChainFile {
  /** `[datastore] folder/disk.vmdk` */
  readonly path: string;
  /** Two datacenters may have a datastore of one name; null: the server does not say which one. */
  readonly datastore: string | null;
}

/** More than vSphere makes of them: a server that names more is not followed. */
const longest = 256;

/** The files of the disks among the devices of a VM, and those below them: a VM with a snapshot needs them all, and so does a linked clone. */
export const chainsOf = (devices: readonly XmlValue[]): ChainFile[] =>
  devices.filter((device) => xsiType(device) === 'VirtualDisk').flatMap(chainOf);

function chainOf(device: XmlValue): ChainFile[] {
  const files: ChainFile[] = [];
  let backing = at(device, 'backing');
  while (backing !== undefined && files.length < longest) {
    files.push({
      path: optionalText(backing, 'fileName') ?? '',
      datastore: optionalText(backing, 'datastore') || null,
    });
    backing = at(backing, 'parent');
  }
  return files;
}
