import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { digestExport } from '../../../src/blocks/digest-export.ts';
import { connectNbdTarget } from '../../../src/host/nbd/nbd-target.ts';
import type {
  NewVm,
  RestoreCompareRequest,
  RestoreFinishRequest,
  RestoreStartRequest,
  RestoreUndoRequest,
  VsphereSourceSpec,
} from '../../../src/schemas/types.ts';
import { readClient, jobFolderIn } from '../../../src/node/jobs/job-folder.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';
import { randomBytes } from '../../support/random.ts';
import {
  finished,
  imageSpec,
  MiB,
  sha256Of,
  target,
  testNode,
  until,
  workshop,
  type Target,
  type TestNode,
  type Workshop,
} from '../support.ts';
import { asksTwice, timesAsked } from './asks-twice.ts';
import { savedConfig, savedDisk } from '../vsphere/new-vm/saved-config.ts';

const bytes = 4 * MiB;
const keys = ['2000', '2001'] as const;

let vcenter: Vcenter;
let at: Workshop;
let node: TestNode;
let disks: { readonly content: Buffer; readonly served: Target }[];
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter();
}, 300_000);
afterAll(() => vcenter?.[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const [name, value] of Object.entries(vcenter.vddkEnvironment)) vi.stubEnv(name, value);
  at = await workshop();
  node = await testNode(at);
  disks = [];
  for (const key of keys) {
    // The second one has no hole.
    const middle = key === '2000' ? Buffer.alloc(2 * MiB) : randomBytes(2 * MiB);
    const content = Buffer.concat([randomBytes(MiB), middle, randomBytes(MiB)]);
    await writeFile(at.path(`${key}.raw`), content);
    disks.push({ content, served: await serve(key, content) });
  }
});
afterEach(async () => {
  for (const { served } of disks) await served[Symbol.asyncDispose]();
  for (const job of await readdir(join(node.stateDir, 'jobs'))) await node.api.remove(job);
  await node[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await vcenter.vddkFault();
  await vcenter.clearFaults();
  await at[Symbol.asyncDispose]();
});

async function serve(key: string, content: Buffer): Promise<Target> {
  const to = await target(at, key, content.length);
  await using client = await connectNbdTarget(to.uri);
  for (let offset = 0; offset < bytes; offset += MiB) {
    const piece = content.subarray(offset, offset + MiB);
    if (!piece.equals(Buffer.alloc(MiB))) await client.write(offset, piece);
  }
  return to;
}

const source = (more: Partial<VsphereSourceSpec> = {}): VsphereSourceSpec => ({
  type: 'vsphere',
  name: 'test',
  host: vcenter.host,
  port: vcenter.port,
  user: '',
  credential: null,
  thumbprint: vcenter.thumbprint,
  ca: null,
  path: null,
  moref: null,
  quiesce: 'try',
  cbt: 'auto',
  foreign_snapshots: 'refuse',
  transports: ['vddk'],
  vddk: { libdir: vcenter.vddkLibdir, plugin: vcenter.vddkPlugin, modes: 'nbdssl:nbd', compression: 'none' },
  ssh: null,
  disks_per_host: 8,
  ...more,
});
const login = () => ({ source: source(), vcenter_user: vcenter.user, vcenter_password: vcenter.password });
const newVm = (name: string, more: Partial<NewVm> = {}): NewVm => ({
  run: name,
  point: 'p-1',
  takes_over: null,
  vm_config: savedConfig({ disks: [savedDisk({}), savedDisk({ key: 2001, unit: 1 })] }),
  place: { name, folder: '/DC1/vm', pool: null, datastore: 'LocalDS_0', disks: {}, networks: {} },
  disks: keys.map((key) => ({ key, bytes, used: 2 * MiB })),
  mac: null,
  identity: 'new',
  connect: false,
  thin: true,
  without_tpm: false,
  ...more,
});
const startOf = (name: string, more: Partial<NewVm> = {}): RestoreStartRequest => ({
  ...login(),
  job_id: `${more.run ?? name}-write`,
  vm: newVm(name, more),
  nbd_sources: keys.map((key, index) => `${key}:${disks[index]?.served.uri}`).join(','),
});
const restore = async (request: RestoreStartRequest) => {
  await node.api.startRestore(request);
  return finished(node.api, request.job_id);
};
const finishOf = (run: string, vm: string, action: RestoreFinishRequest['action']): RestoreFinishRequest => ({
  ...login(),
  run,
  point: 'p-1',
  vm,
  action,
  power_on: false,
});
const undo = async (run: string, keep: boolean) => {
  const request: RestoreUndoRequest = { ...login(), run, jobs: [`${run}-write`], keep_copied: keep };
  return node.api.undoRestore(request);
};
/** A job says that it has ended a moment before its process does. */
const removed = (run: string) => node.api.remove(`${run}-write`);
const newName = (): string => `job-${++number}`;
const flatOf = async (name: string, disk = 0): Promise<Buffer> =>
  readFile((await vcenter.findVm(name))?.disks[disk]?.flatFile ?? '');

async function indexOf(key: string): Promise<string> {
  const indexPath = at.path(`${key}.index`);
  const uri = disks[keys.indexOf(key as '2000')]?.served.uri ?? '';
  await digestExport({ uri, indexPath, store: { format: 1, parent: null } });
  const sha256 = await sha256Of(indexPath);
  await node.api.putIndex(sha256, indexPath);
  return sha256;
}

describe('a restore through the node', () => {
  it('is checked, made, compared, finished, opened again and undone', async () => {
    const name = newName();
    const checked = await node.api.checkRestore({ ...login(), vm: newVm(name) });
    expect(checked).toMatchObject({ mac: 'keep', original: null, unfinished: null });
    expect(checked.networks).toMatchObject([{ network: 'VM Network', mac: '00:50:56:81:0a:01', connected: false }]);
    expect(await vcenter.findVm(name)).toBeNull();

    const job = await restore(startOf(name));
    expect(job.error).toBeNull();
    expect(job.disks.map(({ phase }) => phase)).toEqual(['done', 'done']);
    for (const [index, { content }] of disks.entries()) expect((await flatOf(name, index)).equals(content)).toBe(true);
    const made = job.restored_vm;
    if (!made) throw new Error('no VM');
    expect(
      JSON.stringify(await readFile(join(at.path('state'), 'jobs', job.job_id, 'log.jsonl'), 'utf8')),
    ).not.toContain(vcenter.password);

    const compare: RestoreCompareRequest = {
      ...login(),
      job_id: `${name}-compare`,
      run: name,
      point: 'p-1',
      name,
      disks: await Promise.all(
        made.disks.map(async ({ key, device_key }) => ({ key: device_key, saved_key: key, index: await indexOf(key) })),
      ),
    };
    await node.api.compareRestore(compare);
    expect((await finished(node.api, compare.job_id)).error).toBeNull();
    await (await vcenter.findVm(name))?.write(1, 3 * MiB, Buffer.alloc(512, 1));
    await node.api.compareRestore({ ...compare, job_id: `${name}-again` });
    expect((await finished(node.api, `${name}-again`)).error).toMatchObject({
      code: 'content.mismatch',
      message: expect.stringContaining('first at offset 3145728') as string,
    });

    const { unfinished } = await node.api.checkRestore({ ...login(), vm: newVm(name) });
    expect(unfinished?.copied).toEqual(['2000']);
    expect(await node.api.finishRestore(finishOf(name, made.vm, 'look'))).toMatchObject({ finished: false, name });
    await removed(name);
    for (let twice = 0; twice < 2; twice++)
      expect(await node.api.finishRestore(finishOf(name, made.vm, 'finish'))).toMatchObject({ finished: true });
    expect(await undo(name, false)).toEqual({ removed: null, kept: null, left: null });
    expect(await node.api.finishRestore(finishOf(name, made.vm, 'reopen'))).toMatchObject({ finished: false });
    expect(await undo(name, false)).toEqual({ removed: name, kept: null, left: null });
    expect(await vcenter.findVm(name)).toBeNull();
    expect(await undo(name, false)).toEqual({ removed: null, kept: null, left: null });
  });

  it('goes on with the VM of another run, as long as it is the same', async () => {
    const [name, later] = [newName(), newName()];
    await vcenter.vddkFault({ 'disk-full-after': 3 * MiB });
    const failed = await restore(startOf(name));
    expect(failed.error).toMatchObject({ code: 'disk.full' });
    await vcenter.vddkFault();
    await removed(name);
    const place = newVm(name).place;
    const check = (more: Partial<NewVm>) => node.api.checkRestore({ ...login(), vm: newVm(later, { place, ...more }) });
    expect((await check({})).unfinished).toMatchObject({ run: name, point: 'p-1', copied: ['2000'], same: true });
    expect((await check({ connect: true })).unfinished).toMatchObject({ same: false });
    expect((await check({ point: 'p-2' })).unfinished).toMatchObject({ same: false });
    const otherwise = await restore(startOf(later, { place, takes_over: name, connect: true, run: 'other' }));
    expect(otherwise.error).toMatchObject({ message: expect.stringContaining('is being made otherwise') as string });

    expect(await undo(name, true)).toEqual({ removed: null, kept: { name, copied: 1, disks: 2 }, left: null });
    const before = await vcenter.writes();
    const job = await restore(startOf(later, { place, takes_over: name }));
    expect(job.error).toBeNull();
    const after = (await vcenter.writes()).slice(before.length);
    expect(new Set(after.map(({ disk }) => disk)).size).toBe(1);
    expect(job.disks.map((disk) => disk.bytes_transferred)).toEqual([0, 2 * MiB]);
    for (const [index, { content }] of disks.entries()) expect((await flatOf(name, index)).equals(content)).toBe(true);
    await removed(later);
    expect(await undo(name, false)).toEqual({ removed: null, kept: null, left: null });
    expect(await undo(later, false)).toEqual({ removed: name, kept: null, left: null });
  });

  it('is not undone while its job runs, and after kill -9 of the client only what is whole stays', async () => {
    const name = newName();
    await vcenter.vddkFault({ 'slow-ms': 60_000 });
    const request = startOf(name);
    await node.api.startRestore(request);
    await until(async () => (await node.api.status(request.job_id)).restored_vm, 'the VM is made');
    await expect(undo(name, true)).rejects.toMatchObject({ code: 'node.busy' });
    const client = await until(() => readClient(jobFolderIn(node.stateDir, request.job_id)), 'the client is noted');
    process.kill(client.pid, 'SIGKILL');
    expect((await finished(node.api, request.job_id)).error).toMatchObject({ code: 'job.lost' });
    await vcenter.vddkFault();
    expect(await undo(name, true)).toEqual({ removed: name, kept: null, left: null });
    expect(await vcenter.findVm(name)).toBeNull();
  });

  it('needs no VDDK: disks come by an import lease, and are read again over HTTPS', async () => {
    const name = newName();
    const without = { ...login(), source: source({ transports: ['https'], vddk: null }) };
    const checked = await node.api.checkRestore({ ...without, vm: newVm(name) });
    expect(checked.disks_go).toMatch(/^the disks go by an import lease over HTTPS, because /);
    const start = { ...startOf(name), ...without };
    // Kill -9 of the client in the second disk: the first one is whole.
    await vcenter.fault('hang', { for: 'nfc', count: 1, after: 1 });
    await node.api.startRestore(start);
    const second = await until(async () => {
      const { disks: told } = await node.api.status(start.job_id);
      return told[0]?.phase === 'done' && (await readClient(jobFolderIn(node.stateDir, start.job_id)));
    }, 'the first disk is there');
    await until(
      async () => (await vcenter.calls()).filter(({ method }) => method === 'ImportVApp').length === 2,
      'both',
    );
    process.kill(second.pid, 'SIGKILL');
    expect((await finished(node.api, start.job_id)).error).toMatchObject({ code: 'job.lost' });
    await vcenter.clearFaults();
    const request: RestoreUndoRequest = { ...without, run: name, jobs: [start.job_id], keep_copied: true };
    expect(await node.api.undoRestore(request)).toMatchObject({ kept: { name, copied: 1, disks: 2 } });
    await removed(name);
    // One comes, and what the host has of it is not what was sent.
    await vcenter.fault('nfc-short', { count: 1, bytes: MiB });
    const job = await restore(start);
    expect(job.error).toBeNull();
    expect(job.disks.map((disk) => disk.bytes_transferred)).toEqual([0, 2 * MiB]);

    let round = 0;
    const compare = async (): Promise<Awaited<ReturnType<typeof finished>>> => {
      const told = job.restored_vm?.disks ?? [];
      const compared = told.map(async ({ key, device_key: own }) => ({
        key: own,
        saved_key: key,
        index: await indexOf(key),
      }));
      const jobId = `${name}-compare-${++round}`;
      const asked = { ...without, job_id: jobId, run: name, point: 'p-1', name, disks: await Promise.all(compared) };
      await node.api.compareRestore(asked);
      return finished(node.api, jobId);
    };
    expect((await compare()).error).toMatchObject({
      code: 'content.mismatch',
      message: expect.stringMatching(/Hard disk 2.* first at offset 3145728/) as string,
    });
    await removed(name);
    expect((await restore(start)).error).toBeNull();
    const done = await compare();
    expect([done.error, done.disks.map((disk) => disk.bytes_read)]).toEqual([null, [bytes, bytes]]);
    for (const [index, { content }] of disks.entries()) expect((await flatOf(name, index)).equals(content)).toBe(true);

    await vcenter.fault('folder-status', { status: 403 });
    const unread = await compare();
    expect([unread.error, unread.disks.map((disk) => disk.bytes_read)]).toEqual([null, [0, 0]]);
    expect(unread.warnings).toHaveLength(2);
    expect(unread.warnings?.[0]).toMatch(/is written, but nobody has compared it with the restore point: .*HTTP 403/);
    await vcenter.clearFaults();
    await removed(name);
    expect(await undo(name, false)).toEqual({ removed: name, kept: null, left: null });
  });

  it('is refused before anything is made', async () => {
    const name = newName();
    const refused = (more: Partial<NewVm>, message: string) =>
      expect(node.api.checkRestore({ ...login(), vm: newVm(name, more) })).rejects.toThrow(message);
    const { place, disks: asked } = newVm(name);
    await refused({ place: { ...place, datastore: 'none' } }, 'there is no datastore "none", but');
    await refused({ place: { ...place, networks: { 'VM Network': 'none' } } }, 'no network "none"');
    await refused({ place: { ...place, folder: '/DC1/vm/none' } }, 'no folder of VMs /DC1/vm/none');
    await refused({ disks: [...asked, { key: '7', bytes, used: 0 }] }, 'does not know the disk 7');
    const noImage = { ...login(), source: imageSpec('/none.raw') } as unknown as ReturnType<typeof login>;
    await expect(node.api.checkRestore({ ...noImage, vm: newVm(name) })).rejects.toThrow('not of type vsphere');
    await expect(
      node.api.startRestore({ ...startOf(name), nbd_sources: '2000:nbd://192.0.2.7:10100/x' }),
    ).rejects.toThrow('nbd_sources: "2000:nbd://192.0.2.7:10100/x" is not allowed');
    const [only = ''] = startOf(name).nbd_sources.split(',');
    await node.api.startRestore({ ...startOf(name), nbd_sources: only });
    const job = await finished(node.api, `${name}-write`);
    expect(job.error).toMatchObject({ code: 'request.invalid' });
    expect(await vcenter.findVm(name)).toBeNull();
  });
});

describe('a caller that goes away in the middle of a task, and asks again', () => {
  const expectOnce = async (method: string): Promise<void> =>
    expect([await timesAsked(vcenter, method), await timesAsked(vcenter, 'CancelTask')]).toEqual([1, 0]);

  it('finds the VM finished, opened again and removed', async () => {
    const name = newName();
    const { vm = '' } = (await restore(startOf(name))).restored_vm ?? {};
    await removed(name);
    for (const action of ['finish', 'reopen'] as const) {
      const request = finishOf(name, vm, action);
      const told = await asksTwice(vcenter, 'ReconfigVM_Task', (signal) => node.api.finishRestore(request, signal));
      expect(told).toMatchObject({ finished: action === 'finish', warnings: [] });
      await expectOnce('ReconfigVM_Task');
    }
    const request: RestoreUndoRequest = { ...login(), run: name, jobs: [], keep_copied: false };
    const told = await asksTwice(vcenter, 'Destroy_Task', (signal) => node.api.undoRestore(request, signal));
    expect(told).toMatchObject({ kept: null, left: null });
    await expectOnce('Destroy_Task');
    expect(await vcenter.findVm(name)).toBeNull();
  });

  it('finds the VM started', async () => {
    const name = newName();
    const { vm = '' } = (await restore(startOf(name))).restored_vm ?? {};
    await removed(name);
    const request = { ...finishOf(name, vm, 'finish'), power_on: true };
    const told = await asksTwice(vcenter, 'PowerOnVM_Task', (signal) => node.api.finishRestore(request, signal));
    expect(told).toMatchObject({ finished: true, powered_on: true, warnings: [] });
    await expectOnce('PowerOnVM_Task');
    for (const [action, method, state] of [
      ['stop', 'PowerOffVM_Task', 'off'],
      ['start', 'PowerOnVM_Task', 'on'],
    ] as const) {
      const power = { ...login(), run: name, vm, action, wait_seconds: 0 };
      const seen = await asksTwice(vcenter, method, (signal) => node.api.powerRestore(power, signal));
      expect(seen).toMatchObject({ state, question: null });
      await expectOnce(method);
    }
    await (await vcenter.findVm(name))?.power('off');
  });
});
