import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { serveNbdkit } from '../../../../src/host/nbd/nbdkit.ts';
import { connectVsphere } from '../../../../src/node/vsphere/connect.ts';
import { removeUnfinished } from '../../../../src/node/vsphere/new-vm/remove-unfinished.ts';
import { restoreVm } from '../../../../src/node/vsphere/new-vm/restore-vm.ts';
import type { VmRestore } from '../../../../src/node/vsphere/new-vm/vm-restore.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import type { VsphereSourceSpec } from '../../../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../host/temporary-folder.ts';
import { startVcenter, type Vcenter } from '../../../simulators/vcenter/start-vcenter.ts';
import { someContext, type RecordingContext } from '../transports/some-disk.ts';
import { startSshd, type Sshd } from '../transports/sshd.ts';
import { MiB, someContent, someRestore } from './some-restore.ts';

const content = someContent();
/** Where an ESXi host has its datastores. */
const volumes = '/vmfs/volumes';
const store = `sendense-write-${process.pid}`;

let vcenter: Vcenter;
let vsphere: Vsphere;
let folder: TemporaryFolder;
let sshd: Sshd;
let source: { readonly uri: string } & AsyncDisposable;
let number = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  [vcenter, sshd] = await Promise.all([startVcenter(), startSshd(folder.path)]);
  vsphere = await connectVsphere({ ...vcenter, ca: null });
  await vcenter.addDatastore(store);
  mkdirSync(volumes, { recursive: true });
  symlinkSync(join(vcenter.folder, store), join(volumes, store));
  await writeFile(folder.file('disk'), content);
  source = await serveNbdkit({ args: ['file', folder.file('disk')], socket: folder.file('source.sock') });
}, 300_000);
afterAll(async () => {
  rmSync(join(volumes, store), { force: true });
  for (const empty of [volumes, '/vmfs']) await rmdir(empty).catch(() => {});
  await source?.[Symbol.asyncDispose]();
  await vsphere?.[Symbol.asyncDispose]();
  await sshd?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});
beforeEach(() => vcenter.clearFaults());

type Ssh = NonNullable<VsphereSourceSpec['ssh']>;

const context = (more: Partial<Ssh> = {}): RecordingContext => {
  const { host, port, user, thumbprint } = vcenter;
  const { identity, knownHosts, port: sshPort, user: sshUser } = sshd;
  const ssh = { host: '127.0.0.1', port: sshPort, user: sshUser, identity, known_hosts: knownHosts, ...more };
  return someContext(
    folder.path,
    { host, port, user, thumbprint, transports: ['vddk', 'ssh'], ssh },
    { password: () => vcenter.password, cookie: (refused) => vsphere.cookie(refused) },
  );
};
const request = (name: string, more: Partial<VmRestore> = {}): VmRestore => ({
  ...someRestore(name, source.uri, { datastore: store }),
  ...more,
});

it('a disk goes by SSH into the flat file of the new VM, over what an earlier try wrote', async () => {
  const name = `by-ssh-${++number}`;
  await expect(restoreVm(vsphere, context({ known_hosts: sshd.otherKnownHosts }), request(name))).rejects.toMatchObject(
    {
      code: 'vsphere.tls',
    },
  );
  const begun = await vcenter.findVm(name);
  await begun?.write(0, 2 * MiB, Buffer.alloc(4096, 1));
  const told: string[] = [];
  await restoreVm(vsphere, context(), request(name, { onWay: (says) => void told.push(says) }));
  expect(told).toEqual([
    expect.stringMatching(/^the disks go by SSH, because an SSH key for 127.0.0.1 is configured; /),
  ]);
  const vm = await vcenter.findVm(name);
  expect(vm?.moref).toBe(begun?.moref);
  await execa('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', vm?.disks[0]?.flatFile ?? '', folder.file('disk')]);
  expect(await vcenter.writes()).toEqual([]);
  await removeUnfinished(vsphere, name);
  expect(existsSync(vm?.home ?? '/')).toBe(false);
});
