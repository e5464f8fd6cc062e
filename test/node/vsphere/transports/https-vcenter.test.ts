import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNbd, type NbdClient } from '../../../../src/host/nbd/nbd-client.ts';
import { connectVsphere } from '../../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import { serveSnapshotDisk } from '../../../../src/node/vsphere/transports/serve-snapshot-disk.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startVcenter, type Vcenter } from '../../../simulators/vcenter/start-vcenter.ts';
import { someContext, someDisk } from './some-disk.ts';
import { randomBytes } from '../../../support/random.ts';

const MiB = 1024 * 1024;
const content = randomBytes(48 * MiB);

let folder: TemporaryFolder;
let vcenter: Vcenter;
let vsphere: Vsphere;
let file: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  vcenter = await startVcenter();
  const vm = await vcenter.addVm({ name: 'pgtest1', disks: [{ capacity: content.length, content }] });
  file = vm.disks[0]?.fileName ?? '';
  await vm.snapshot('sendense');
  vsphere = await connectVsphere({ ...vcenter, ca: null });
}, 300_000);
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** Reads the disk in turn over two connections, as a copy does; `before` runs before each read. */
async function readWhole(uri: string, before: (read: number) => Promise<void>): Promise<Buffer> {
  await using first = await connectNbd(uri);
  await using second = await connectNbd(uri);
  const connections: readonly NbdClient[] = [first, second];
  const whole = Buffer.alloc(content.length);
  for (let read = 0; read * 2 * MiB < whole.length; read++) {
    await before(read);
    await connections[read % 2]?.read(read * 2 * MiB, whole.subarray(read * 2 * MiB, (read + 1) * 2 * MiB));
  }
  return whole;
}

test.each<[string, (read: number) => Promise<void>]>([
  ['nothing goes wrong', async () => {}],
  ['all sessions end in mid-read, twice', async (read) => (read % 8 === 5 ? vcenter.expireSessions() : undefined)],
  [
    'connections are cut in mid-read',
    async (read) => (read % 8 === 5 ? vcenter.fault('folder-cut', { bytes: 700_001, count: 1 }) : undefined),
  ],
  [
    'the server is busy for a moment',
    async (read) => (read === 5 ? vcenter.fault('folder-status', { status: 503, count: 2 }) : undefined),
  ],
])('nbdkit itself reads from a vCenter byte for byte: %s', { timeout: 300_000 }, async (_, before) => {
  const { host, port, thumbprint, datacenter } = vcenter;
  const context = someContext(
    folder.path,
    { host, port, thumbprint },
    { cookie: (refused) => vsphere.cookie(refused) },
  );
  await using disk = await serveSnapshotDisk(
    context,
    'https',
    someDisk({ file, datacenter, capacity: content.length }),
  );
  expect((await readWhole(disk.uri, before)).equals(content)).toBe(true);
  await disk.assertSound?.(content.length);
  expect(context.warnings).toEqual([]);
});
