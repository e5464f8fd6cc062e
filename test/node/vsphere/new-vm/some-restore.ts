import type { VmRestore } from '../../../../src/node/vsphere/new-vm/vm-restore.ts';
import { randomBytes } from '../../../support/random.ts';
import { savedConfig } from './saved-config.ts';

export const MiB = 1024 * 1024;
export const bytes = 4 * MiB;

/** Data in the first and the last MiB, and a hole. */
export const someContent = (): Buffer => Buffer.concat([randomBytes(MiB), Buffer.alloc(2 * MiB), randomBytes(MiB)]);

/** A VM of one disk of {@link someContent}. @param from NBD URI of what is to be on its disks */
export const someRestore = (
  name: string,
  from: string,
  { keys = [2000], datastore = 'LocalDS_0' }: { readonly keys?: readonly number[]; readonly datastore?: string } = {},
): VmRestore => ({
  config: savedConfig(),
  disks: new Map(keys.map((key) => [key, { from, bytes, used: 2 * MiB }] as const)),
  wanted: { name, folder: '/DC1/vm', pool: null, datastore, disks: new Map(), networks: new Map() },
  mark: { run: name, point: 'p-1' },
  withoutTpm: false,
  mac: 'new',
  identity: 'new',
  connect: false,
  thin: true,
});
