import type { SnapshotDiskRef, TransportContext } from '../../../../src/node/vsphere/transports/transport.ts';
import { connectNbd } from '../../../../src/host/nbd/nbd-client.ts';
import type { VsphereSourceSpec } from '../../../../src/schemas/types.ts';
import { randomBytes } from '../../../support/random.ts';

export const password = `pass=wörd ${randomBytes(6).toString('hex')}`;

export const someSpec = (fields: Partial<VsphereSourceSpec> = {}): VsphereSourceSpec => ({
  type: 'vsphere',
  name: 'lab',
  host: '127.0.0.1',
  port: 443,
  user: 'backup@vsphere.local',
  credential: null,
  thumbprint: null,
  ca: null,
  path: '/DC1/vm/pgtest1',
  moref: null,
  quiesce: 'off',
  cbt: 'auto',
  foreign_snapshots: 'refuse',
  transports: ['vddk', 'https', 'ssh'],
  vddk: null,
  ssh: null,
  disks_per_host: 4,
  ...fields,
});

export const someDisk = (fields: Partial<SnapshotDiskRef> = {}): SnapshotDiskRef => ({
  vmMoref: 'vm-57',
  snapshotMoref: 'snapshot-58',
  key: 2000,
  label: 'Hard disk 1',
  file: '[ds 1] pgtest1/pgtest1.vmdk',
  capacity: 1024 * 1024,
  backing: 'flat',
  hasParent: false,
  datacenter: 'DC1',
  datastoreType: 'VMFS',
  host: null,
  ...fields,
});

export interface RecordingContext extends TransportContext {
  readonly warnings: string[];
}

export function someContext(
  folder: string,
  fields: Partial<VsphereSourceSpec> = {},
  more: Partial<TransportContext> = {},
): RecordingContext {
  const warnings: string[] = [];
  return {
    spec: someSpec(fields),
    password: () => password,
    cookie: () => 'vmware_soap_session="first"',
    jobFolder: folder,
    socketFolder: folder,
    warn: (message) => void warnings.push(message),
    warnings,
    ...more,
  };
}

/** The whole content of an export, read as a copy does. */
export async function contentOf(uri: string, requestBytes = 2 * 1024 * 1024): Promise<Buffer> {
  await using client = await connectNbd(uri);
  const content = Buffer.alloc(client.size);
  for (let at = 0; at < content.length; at += requestBytes)
    await client.read(at, content.subarray(at, Math.min(at + requestBytes, content.length)));
  return content;
}
