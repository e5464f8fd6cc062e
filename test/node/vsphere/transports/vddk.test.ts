import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { isRunning } from '../../../../src/host/programs/process-identity.ts';
import { connectVsphere } from '../../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import { refusedLogins } from '../../../../src/node/vsphere/refused-logins.ts';
import { chooseTransport } from '../../../../src/node/vsphere/transports/choose-transport.ts';
import { serveSnapshotDisk } from '../../../../src/node/vsphere/transports/serve-snapshot-disk.ts';
import type { SnapshotDiskRef } from '../../../../src/node/vsphere/transports/transport.ts';
import type { VsphereSourceSpec } from '../../../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import type { SimulatedVm } from '../../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../../simulators/vcenter/start-vcenter.ts';
import { contentOf, someContext, someDisk, type RecordingContext } from './some-disk.ts';
import { randomBytes } from '../../../support/random.ts';

const MiB = 1024 * 1024;
const content = randomBytes(64 * MiB);

let vcenter: Vcenter;
let vm: SimulatedVm;
let vsphere: Vsphere;
let disk: SnapshotDiskRef;
let folder: TemporaryFolder;

beforeAll(async () => {
  vcenter = await startVcenter();
  vm = await vcenter.addVm({ name: 'pgtest1', disks: [{ capacity: content.length }] });
  for (let at = 0; at < content.length; at += 8 * MiB) await vm.write(0, at, content.subarray(at, at + 8 * MiB));
  vsphere = await connectVsphere({ ...vcenter, ca: null });
  const self = { type: 'VirtualMachine', value: vm.moref };
  await vsphere.task('CreateSnapshot_Task', self, [
    ['name', 'test'],
    ['memory', false],
    ['quiesce', false],
  ]);
  await vm.write(0, 0, Buffer.alloc(MiB, 7));
  const [snapshot] = await vm.snapshots();
  disk = someDisk({
    vmMoref: vm.moref,
    snapshotMoref: snapshot?.moref ?? '',
    key: vm.disks[0]?.key ?? 0,
    file: '[LocalDS_0] pgtest1/pgtest1.vmdk',
    capacity: content.length,
    datacenter: vcenter.datacenter,
  });
}, 300_000);
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const [name, value] of Object.entries(vcenter.vddkEnvironment)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await vcenter.vddkFault();
  await vcenter.clearFaults();
  await folder[Symbol.asyncDispose]();
});

function context(fields: Partial<VsphereSourceSpec> = {}, password = vcenter.password): RecordingContext {
  const vddk = {
    libdir: vcenter.vddkLibdir,
    plugin: vcenter.vddkPlugin,
    modes: 'file:nbdssl:nbd',
    compression: 'fastlz' as const,
  };
  return someContext(
    folder.path,
    { host: vcenter.host, port: vcenter.port, user: vcenter.user, thumbprint: vcenter.thumbprint, vddk, ...fields },
    { password: () => password, cookie: (refused) => vsphere.cookie(refused) },
  );
}

test.each(['vddk', 'https'] as const)(
  '%s shows the disk as it was at the snapshot',
  { timeout: 300_000 },
  async (transport) => {
    await using served = await serveSnapshotDisk(context(), transport, disk);
    expect((await contentOf(served.uri, served.requestBytes)).equals(content)).toBe(true);
    expect(served.lastError()).toBeNull();
  },
);

test('requests larger than the server takes are split', async () => {
  await using served = await serveSnapshotDisk(context(), 'vddk', disk);
  expect((await contentOf(served.uri, 16 * MiB)).equals(content)).toBe(true);
});

test('the library is proven to be there, and gets the SHA-1 thumbprint of the certificate that the pin stands for', async () => {
  await expect(chooseTransport(context(), [disk])).resolves.toMatchObject({
    name: 'vddk',
    reason: expect.stringContaining(vcenter.vddkLibdir),
    tried: [],
  });
  for (const pin of [
    { thumbprint: vcenter.thumbprint },
    { thumbprint: vcenter.thumbprintSha1.replaceAll(':', '').toLowerCase() },
    { thumbprint: null, ca: vcenter.caPem },
  ]) {
    await using served = await serveSnapshotDisk(context(pin), 'vddk', disk);
    expect((await contentOf(served.uri))[0]).toBe(content[0]);
  }
});

test('a wrong thumbprint never gets as far as the password', async () => {
  const wrong = context({ thumbprint: 'AB'.repeat(32) });
  await expect(serveSnapshotDisk(wrong, 'vddk', disk)).rejects.toMatchObject({ code: 'vsphere.tls' });
});

test('a wrong password is told as such', async () => {
  await expect(serveSnapshotDisk(context({}, 'not the password'), 'vddk', disk)).rejects.toMatchObject({
    code: 'vsphere.login',
    message: expect.stringMatching(
      /^Hard disk 1 \(\[LocalDS_0\] pgtest1\/pgtest1.vmdk\) over vddk: VMware's disk library was not let in/,
    ),
  });
});

test('a password that the library refuses is tried once, for all disks', async () => {
  const connects = async (): Promise<number> =>
    (await readFile(vcenter.vddkLog, 'utf8').catch(() => '')).split('\n').filter((line) => line.startsWith('connect'))
      .length;
  const before = await connects();
  const wrong = { ...context({}, 'not the password'), vddkLogins: refusedLogins() };
  const [one, two] = await Promise.allSettled([
    serveSnapshotDisk(wrong, 'vddk', disk),
    serveSnapshotDisk(wrong, 'vddk', { ...disk, key: disk.key + 1 }),
  ]);
  for (const refused of [one, two])
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: { code: 'vsphere.login', message: expect.stringContaining('refuses the user') as string },
    });
  expect((await connects()) - before).toBe(1);
});

test.each([
  ['a file that is gone', { 'open-error': 4 }, 'source.missing'],
  ['a file that may not be read', { 'open-error': 13 }, 'vsphere.permission'],
  ['a host out of reach', { 'connect-error': 18000 }, 'vsphere.unreachable'],
])('%s is told as such', async (_, fault, code) => {
  await vcenter.vddkFault(fault);
  await expect(serveSnapshotDisk(context(), 'vddk', disk)).rejects.toMatchObject({ code });
});

test('a disk of another size than vSphere says is refused', async () => {
  await expect(serveSnapshotDisk(context(), 'vddk', { ...disk, capacity: disk.capacity + 512 })).rejects.toMatchObject({
    code: 'transport.unsafe',
  });
});

test.each([
  ['no vddk in the settings', { vddk: null }, /no `vddk.libdir`/],
  ['a folder that is not there', { libdir: '/nonexistent/vddk' }, /\/nonexistent\/vddk.*is not there/],
  ['a folder without the library', { libdir: '/usr' }, /could not load|was not found/],
  ['a plugin that is not there', { plugin: '/nonexistent/plugin.so' }, /\/nonexistent\/plugin\.so/],
])('%s: the next transport is taken, and it is said why', async (_, fields, why) => {
  const base = context();
  const vddk = 'vddk' in fields ? null : { ...base.spec.vddk, ...fields };
  const choice = await chooseTransport(context({ vddk: vddk as VsphereSourceSpec['vddk'] }), [disk]);
  expect(choice).toMatchObject({ name: 'https', tried: [{ name: 'vddk', why: expect.stringMatching(why) }] });
});

test('where none fits, each says why', async () => {
  const odd = { ...disk, hasParent: true };
  await expect(chooseTransport(context({ vddk: null }), [odd])).rejects.toMatchObject({
    code: 'transport.unavailable',
    message: expect.stringMatching(/vddk: .*libdir.*; https: .*difference to another disk.*; ssh: /),
  });
});

test.each([
  ['a file of this machine', { file: '/etc/passwd' }],
  ['a line break', { file: '[ds] a\n/b.vmdk' }],
  ['another parameter', { vmMoref: 'vm-1 password=x' }],
])('names with %s never reach nbdkit', async (_, fields) => {
  await expect(serveSnapshotDisk(context(), 'vddk', { ...disk, ...fields })).rejects.toMatchObject({
    code: 'vsphere.settings',
  });
});

test('https reads on after the session has ended in mid-read', async () => {
  await using served = await serveSnapshotDisk(context(), 'https', disk);
  await vcenter.expireSessions();
  expect((await contentOf(served.uri)).equals(content)).toBe(true);
});

test('https reads on after cut connections and a busy server', { timeout: 300_000 }, async () => {
  await using served = await serveSnapshotDisk(context(), 'https', disk);
  await vcenter.fault('folder-cut', { count: 3, bytes: 1_000_000 });
  await vcenter.fault('folder-status', { count: 2, status: 503 });
  expect((await contentOf(served.uri)).equals(content)).toBe(true);
});

test('neither password nor cookie is seen from outside', async () => {
  const secrets = [vcenter.password, await vsphere.cookie(), (await vsphere.cookie()).split('"')[1] ?? ''];
  for (const transport of ['vddk', 'https'] as const) {
    await using served = await serveSnapshotDisk(context(), transport, disk);
    await contentOf(served.uri);
    const shown = processesAndEnvironments();
    expect(shown.some((text) => text.includes('nbdkit'))).toBe(true);
    expect(shown.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
    const files = readdirSync(folder.path, { withFileTypes: true }).filter((entry) => entry.isFile());
    const written = files.map(({ name }) => readFileSync(folder.file(name), 'utf8'));
    expect(written.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
  }
});

test('nothing runs when the disk is closed', async () => {
  const served = await serveSnapshotDisk(context(), 'vddk', disk);
  await served[Symbol.asyncDispose]();
  expect(isRunning(served.process)).toBe(false);
  expect(readdirSync(folder.path).filter((name) => name.includes('.sock'))).toEqual([]);
});

/** Command lines of all processes, and the environments of the nbdkits. */
function processesAndEnvironments(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return argv.startsWith('nbdkit') ? [argv, readFileSync(`/proc/${pid}/environ`, 'utf8')] : [argv];
      } catch {
        return [];
      }
    });
}
