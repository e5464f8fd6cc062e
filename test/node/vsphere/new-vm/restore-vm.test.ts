import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveNbdkit } from '../../../../src/host/nbd/nbdkit.ts';
import { connectVsphere } from '../../../../src/node/vsphere/connect.ts';
import { finishVm } from '../../../../src/node/vsphere/new-vm/finish-vm.ts';
import { removeUnfinished } from '../../../../src/node/vsphere/new-vm/remove-unfinished.ts';
import { restoreVm } from '../../../../src/node/vsphere/new-vm/restore-vm.ts';
import type { RestoredVm, VmRestore } from '../../../../src/node/vsphere/new-vm/vm-restore.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startVcenter, type LibraryWrite, type Vcenter } from '../../../simulators/vcenter/start-vcenter.ts';
import { someContext, type RecordingContext } from '../transports/some-disk.ts';
import { savedConfig, savedDisk } from './saved-config.ts';
import { bytes, MiB, someContent, someRestore } from './some-restore.ts';

const nvram = Buffer.from('what the firmware remembers');
const content = someContent();

let vcenter: Vcenter;
let vsphere: Vsphere;
let folder: TemporaryFolder;
let source: { readonly uri: string } & AsyncDisposable;
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null });
}, 300_000);
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const [name, value] of Object.entries(vcenter.vddkEnvironment)) vi.stubEnv(name, value);
  await writeFile(folder.file('disk'), content);
  source = await serveNbdkit({ args: ['file', folder.file('disk')], socket: folder.file('source.sock') });
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await vcenter.vddkFault();
  await vcenter.clearFaults();
  await folder[Symbol.asyncDispose]();
});

const context = (): RecordingContext =>
  someContext(
    folder.path,
    {
      host: vcenter.host,
      port: vcenter.port,
      user: vcenter.user,
      thumbprint: vcenter.thumbprint,
      vddk: { libdir: vcenter.vddkLibdir, plugin: vcenter.vddkPlugin, modes: 'nbdssl:nbd', compression: 'none' },
    },
    { password: () => vcenter.password, cookie: (refused) => vsphere.cookie(refused) },
  );
const request = (name: string): VmRestore => ({
  ...someRestore(name, source.uri),
  config: savedConfig({ nvram: { file: 'x', sha256: '0'.repeat(64), base64: nvram.toString('base64') } }),
});
const restore = (name: string): Promise<RestoredVm> => restoreVm(vsphere, context(), request(name));
const newName = (): string => `back-${++number}`;
const writesOf = async (vm: RestoredVm): Promise<LibraryWrite[]> =>
  (await vcenter.writes()).filter((one) => one.vm === vm.object.value);
const flatOf = async (name: string): Promise<Buffer> =>
  readFile((await vcenter.findVm(name))?.disks[0]?.flatFile ?? '');
const startVm = (vm: RestoredVm) => vsphere.task('PowerOnVM_Task', vm.object, []);

describe('a VM that is restored', () => {
  it('has the bytes and the NVRAM, holes are not written, and it starts', async () => {
    const name = newName();
    const vm = await restore(name);
    expect((await flatOf(name)).equals(content)).toBe(true);
    const writes = await writesOf(vm);
    expect(writes.filter(({ zero }) => zero)).toEqual([]);
    expect(writes.reduce((sum, { length }) => sum + length, 0)).toBe(2 * MiB);
    const home = (await vcenter.findVm(name))?.home ?? '';
    expect(await readFile(join(home, `${name}.nvram`))).toEqual(nvram);
    await finishVm(vsphere, vm.object, { run: name, point: 'p-1' });
    expect((await removeUnfinished(vsphere, name)).removed).toBeNull();
    await startVm(vm);
    expect(await readFile(join(home, `${name}.nvram`))).toEqual(nvram);
  });

  it('tells of bytes that move before the copying program does, and of no activity meanwhile', async () => {
    const name = newName();
    await vcenter.vddkFault({ 'slow-ms': 3000 });
    const seen = new AbortController();
    const activities: (string | null)[] = [];
    const onActivity = (what: string | null): void => void activities.push(what);
    const onProgress = (_key: number, fraction: number): void => {
      if (fraction > 0 && fraction < 1) seen.abort(new Error('bytes have moved'));
    };
    const { signal } = seen;
    const restoring = restoreVm(vsphere, { ...context(), signal }, { ...request(name), onActivity, onProgress });
    await expect(restoring).rejects.toThrow('bytes have moved');
    expect(activities.slice(-2)).toEqual(['opening Hard disk 1 for writing', null]);
    await vcenter.vddkFault();
    await removeUnfinished(vsphere, name);
  });

  it('goes on after a full datastore, over what the first try wrote', async () => {
    const name = newName();
    await vcenter.vddkFault({ 'disk-full-after': MiB });
    await expect(restore(name)).rejects.toMatchObject({
      code: 'disk.full',
      message: expect.stringMatching(/Hard disk 1 .* over vddk: the datastore is full/) as string,
    });
    // Meanwhile somebody has written where the hole is.
    const first = await vcenter.findVm(name);
    await first?.write(0, 2 * MiB, Buffer.alloc(4096, 1));
    await vcenter.vddkFault();
    const vm = await restore(name);
    expect(vm.object.value).toBe(first?.moref);
    expect((await flatOf(name)).equals(content)).toBe(true);
  });

  it('goes on after what failed late, without copying again what is whole', async () => {
    const name = newName();
    const two = savedConfig({
      nvram: request(name).config.nvram,
      disks: [savedDisk({}), savedDisk({ key: 2001, unit: 1 })],
    });
    const asked = {
      ...request(name),
      config: two,
      disks: new Map([2000, 2001].map((key) => [key, { from: source.uri, bytes, used: 2 * MiB }] as const)),
    };
    await vcenter.fault('folder-status', { status: 500, count: 1 });
    await expect(restoreVm(vsphere, context(), asked)).rejects.toMatchObject({ code: 'vsphere.protocol' });
    const before = await vcenter.writes();
    const vm = await restoreVm(vsphere, context(), asked);
    expect(await vcenter.writes()).toEqual(before);
    expect(new Set((await writesOf(vm)).map(({ disk }) => disk)).size).toBe(2);
    await finishVm(vsphere, vm.object, asked.mark);
    const [shown] = await vsphere.properties([vm.object], ['config.extraConfig']);
    expect(JSON.stringify(shown?.values.get('config.extraConfig'))).not.toContain('sendense.disks');
  });

  it('is not written to where it has a snapshot, or was copied, or is of another restore point', async () => {
    const name = newName();
    await vcenter.fault('folder-status', { status: 500 });
    await expect(restore(name)).rejects.toThrow();
    const other = { ...request(name), mark: { run: name, point: 'p-2' } };
    await expect(restoreVm(vsphere, context(), other)).rejects.toThrow('is being made of p-1, not of p-2');
    const vm = await vcenter.findVm(name);
    const snapshot = (await vm?.snapshot('somebody')) ?? '';
    await expect(restore(name)).rejects.toThrow('is not written to: it has a snapshot');
    await vm?.removeSnapshot(snapshot);
    const { name: copy } = await vcenter.addVm({
      name: `${name}-copy`,
      annotation: `sendense-restore/1 run=${name} point=p-1`,
      disks: [{ capacity: MiB }],
      poweredOn: false,
    });
    await expect(restore(name)).rejects.toThrow('2 VMs bear the mark of one restore');
    await expect(removeUnfinished(vsphere, name)).rejects.toThrow(copy);
  });

  it.each([
    ['the datastore refuses the NVRAM', ['folder-status', { status: 403 }], 'vsphere.permission'],
    ['the VM cannot be made', ['create-vm', {}], 'vsphere.fault'],
    ['the library is refused', ['vddk', { 'open-error': 13 }], 'vsphere.permission'],
  ] as const)('leaves nothing after undo, where %s', async (_, [fault, options], code) => {
    const name = newName();
    if (fault === 'vddk') await vcenter.vddkFault(options);
    else await vcenter.fault(fault, options);
    await expect(restore(name)).rejects.toMatchObject({ code });
    await vcenter.clearFaults();
    await removeUnfinished(vsphere, name);
    expect(await vcenter.findVm(name)).toBeNull();
    await expect(stat(join(vcenter.folder, 'LocalDS_0', name))).rejects.toThrow('ENOENT');
  });

  it('goes on when the session ends in the middle', async () => {
    const name = newName();
    await vcenter.fault('session-expiry', { count: 1, method: 'FindChild' });
    await vcenter.fault('session-expiry', { count: 1, method: 'folder' });
    await restore(name);
    expect((await flatOf(name)).equals(content)).toBe(true);
  });

  it('is not written to where it runs, and stays', async () => {
    const name = newName();
    await vcenter.fault('folder-status', { status: 500 });
    await expect(restore(name)).rejects.toMatchObject({ code: 'vsphere.protocol' });
    await vcenter.clearFaults();
    const vm = await vcenter.findVm(name);
    await vm?.power('on');
    await expect(restore(name)).rejects.toThrow('is not written to: it runs');
    expect((await removeUnfinished(vsphere, name)).left?.why).toBe('it runs');
    expect(await vm?.powerState()).toBe('poweredOn');
  });

  it('is not begun where sizes differ or the library is missing', async () => {
    const name = newName();
    const other = { ...request(name), disks: new Map([[2000, { from: source.uri, bytes: 2 * bytes, used: 0 }]]) };
    await expect(restoreVm(vsphere, context(), other)).rejects.toThrow('what goes to it has 4194304');
    expect(await vcenter.findVm(name)).toBeNull();
    const without = context();
    Object.assign(without.spec, { vddk: null, transports: ['vddk'] });
    await expect(restoreVm(vsphere, without, request(name))).rejects.toMatchObject({ code: 'transport.unavailable' });
  });
});
