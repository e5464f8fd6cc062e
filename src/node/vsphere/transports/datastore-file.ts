import { SendenseError } from '../../../errors/sendense-error.ts';

export interface DatastoreFile {
  readonly datastore: string;
  /** Names of the folders and of the file that holds the disk's bytes, `disk-flat.vmdk`. */
  readonly segments: readonly string[];
}

/**
 * The file with a flat disk's bytes, from the name of its descriptor, `[datastore] folder/disk.vmdk`.
 * @throws SendenseError `vsphere.protocol` for what is no such name
 */
export function flatFileOf(file: string): DatastoreFile {
  const match = /^\[([^\]/]+)\] (.+)\.vmdk$/.exec(file);
  const segments = `${match?.[2] ?? ''}-flat.vmdk`.split('/');
  if (!match?.[1] || hasControls(file) || segments.some((name) => name === '' || name === '.' || name === '..')) {
    throw new SendenseError(
      'vsphere.protocol',
      `${JSON.stringify(file)} is no name of a disk, [datastore] folder/disk.vmdk`,
    );
  }
  return { datastore: match[1], segments };
}

/** Characters that have no place in a name that is handed to another program. A tab has: vSphere takes it in names of VMs. */
// oxlint-disable-next-line no-control-regex
export const hasControls = (text: string): boolean => /[\u0000-\u0008\u000a-\u001f\u007f]/.test(text);

/**
 * Path and query of a file in vSphere's datastore access over HTTPS (`/folder`).
 * @param queryEncodings how often the names in the query are percent-encoded: vCenter wants it twice, others once
 */
export function folderPath(file: DatastoreFile, datacenter: string, queryEncodings: 1 | 2): string {
  const inQuery = (text: string): string =>
    queryEncodings === 2 ? encodeURIComponent(encodeURIComponent(text)) : encodeURIComponent(text);
  const path = file.segments.map(encodeURIComponent).join('/');
  return `/folder/${path}?dcPath=${inQuery(datacenter)}&dsName=${inQuery(file.datastore)}`;
}
