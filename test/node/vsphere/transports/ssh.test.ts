import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runTool } from '../../../../src/host/programs/process.ts';
import { chooseTransport } from '../../../../src/node/vsphere/transports/choose-transport.ts';
import { serveSnapshotDisk } from '../../../../src/node/vsphere/transports/serve-snapshot-disk.ts';
import type { VsphereSourceSpec } from '../../../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startSshd, type Sshd } from './sshd.ts';
import { contentOf, someContext, someDisk } from './some-disk.ts';
import { randomBytes } from '../../../support/random.ts';

const content = randomBytes(64 * 1024 * 1024);
const datastore = `sendense-test-${process.pid}`;
const disk = someDisk({ file: `[${datastore}] pg%h test/pg=1.vmdk`, capacity: content.length });

let folder: TemporaryFolder;
let sshd: Sshd;

beforeAll(async () => {
  folder = await temporaryFolder();
  sshd = await startSshd(folder.path);
  mkdirSync(folder.file('datastore', 'pg%h test'), { recursive: true });
  writeFileSync(folder.file('datastore', 'pg%h test', 'pg=1-flat.vmdk'), content);
  // Where an ESXi host has its datastores, as links there, too.
  mkdirSync('/vmfs/volumes', { recursive: true });
  symlinkSync(folder.file('datastore'), `/vmfs/volumes/${datastore}`);
});
afterAll(async () => {
  rmSync(`/vmfs/volumes/${datastore}`, { force: true });
  for (const empty of ['/vmfs/volumes', '/vmfs']) await rmdir(empty).catch(() => {});
  await sshd?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

type Ssh = NonNullable<VsphereSourceSpec['ssh']>;

const context = (fields: Partial<Ssh> = {}) =>
  someContext(folder.path, {
    transports: ['ssh'],
    ssh: {
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      identity: sshd.identity,
      known_hosts: sshd.knownHosts,
      ...fields,
    },
  });

test('a disk of 64 MiB is read byte for byte, whatever its name', { timeout: 300_000 }, async () => {
  await expect(chooseTransport(context(), [disk])).resolves.toMatchObject({ name: 'ssh' });
  await using served = await serveSnapshotDisk(context(), 'ssh', disk);
  expect((await contentOf(served.uri, served.requestBytes)).equals(content)).toBe(true);
  expect(served).toMatchObject({ connections: 2, multiConn: true });
  const { exitCode } = await runTool('nbdinfo', ['--can', 'multi-conn', served.uri], { allowFailure: true });
  expect(exitCode).toBe(0);
});

test('the ESXi host of the VM is asked where the settings name none', async () => {
  await using served = await serveSnapshotDisk(context({ host: null }), 'ssh', { ...disk, host: '127.0.0.1' });
  expect((await contentOf(served.uri))[9]).toBe(content[9]);
  await expect(serveSnapshotDisk(context({ host: null }), 'ssh', disk)).rejects.toMatchObject({
    code: 'transport.unavailable',
  });
});

test('a host with another key gets nothing', async () => {
  await expect(serveSnapshotDisk(context({ known_hosts: sshd.otherKnownHosts }), 'ssh', disk)).rejects.toMatchObject({
    code: 'vsphere.tls',
    message: expect.stringContaining('SSH host key'),
  });
});

test('a host that is not known gets nothing', async () => {
  writeFileSync(folder.file('empty'), '');
  await expect(serveSnapshotDisk(context({ known_hosts: folder.file('empty') }), 'ssh', disk)).rejects.toMatchObject({
    code: 'vsphere.tls',
    message: expect.stringContaining('known hosts'),
  });
});

test('a key that the host does not know is told as such', async () => {
  await expect(serveSnapshotDisk(context({ identity: folder.file('other') }), 'ssh', disk)).rejects.toMatchObject({
    code: 'vsphere.login',
  });
});

test('a key that others can read is refused', async () => {
  writeFileSync(folder.file('open'), 'key');
  chmodSync(folder.file('open'), 0o644);
  await expect(chooseTransport(context({ identity: folder.file('open') }), [disk])).rejects.toMatchObject({
    code: 'transport.unavailable',
    remedy: `chmod 600 ${folder.file('open')}`,
  });
});

test.each([
  ['a file that is not there', { file: `[${datastore}] pg%h test/none.vmdk` }, 'source.missing'],
  ['a file of another size', { capacity: content.length - 512 }, 'transport.unsafe'],
  ['a delta', { hasParent: true }, 'transport.unsafe'],
  ['a disk on vSAN', { datastoreType: 'vsan' }, 'transport.unsafe'],
  ['a way out of the datastore', { file: `[${datastore}] ../../etc/a.vmdk` }, 'vsphere.protocol'],
])('%s is refused', async (_, fields, code) => {
  await expect(serveSnapshotDisk(context(), 'ssh', { ...disk, ...fields })).rejects.toMatchObject({ code });
});

test('a host out of reach is told as such', { timeout: 300_000 }, async () => {
  await expect(serveSnapshotDisk(context({ port: 1 }), 'ssh', disk)).rejects.toMatchObject({
    code: 'vsphere.unreachable',
  });
});
