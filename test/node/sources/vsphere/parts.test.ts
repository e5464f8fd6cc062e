import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { forThisUser } from '../../../../src/node/held-places.ts';
import { sourceOf } from '../../../../src/node/sources/request-source.ts';
import { baseFile, diskInfos, identityOf, notProtectedDisks } from '../../../../src/node/sources/vsphere/disk-info.ts';
import { earlyDisk } from '../../../../src/node/sources/vsphere/early-disk.ts';
import { holdDisks, holdJob, isJobHeld } from '../../../../src/node/sources/vsphere/job-hold.ts';
import { nodeIdOf } from '../../../../src/node/sources/vsphere/node-id.ts';
import { refusal } from '../../../../src/node/sources/vsphere/refusal.ts';
import { addressOf } from '../../../../src/node/sources/vsphere/vsphere-address.ts';
import type { VsphereDisk, VsphereSourceSpec, VsphereVm } from '../../../../src/schemas/types.ts';

const spec = sourceOf({ vm_name: 'pgtest1', vcenter_host: 'vcenter.example.com' }) as VsphereSourceSpec;

const disk = (more: Partial<VsphereDisk> = {}): VsphereDisk => ({
  key: 2000,
  label: 'Hard disk 1',
  address: 'scsi0:0',
  controller_key: 1000,
  controller_type: 'ParaVirtualSCSIController',
  unit: 0,
  uuid: '6000c29a-0000-0000-0000-000000000001',
  capacity_bytes: 4096,
  mode: 'persistent',
  backing: 'flat',
  thin: true,
  datastore: 'LocalDS_0',
  file: '[LocalDS_0] pgtest1/pgtest1.vmdk',
  has_parent: false,
  sharing: null,
  change_id: null,
  protected: true,
  not_protected_reason: null,
  ...more,
});

const vm = (more: Partial<VsphereVm> = {}): VsphereVm => ({
  path: '/DC1/vm/pgtest1',
  moref: 'vm-57',
  name: 'pgtest1',
  instance_uuid: '50000000-0000-0000-0000-000000000001',
  bios_uuid: null,
  template: false,
  power_state: 'poweredOn',
  connection_state: 'connected',
  guest: null,
  hardware_version: 'vmx-19',
  tools: 'running',
  host: 'esx1.example.com',
  datacenter: 'DC1',
  cbt: { supported: true, enabled: true },
  disks: [disk()],
  snapshots: [],
  consolidation_needed: false,
  last_revert: null,
  findings: [],
  ...more,
});

const lacking = (what: string) => ({ level: 'weakens' as const, code: `privilege.${what}`, message: 'it lacks x' });

const foreign = {
  moref: 'snapshot-1',
  name: 'before the upgrade',
  description: '',
  created: 1,
  quiesced: false,
  current: true,
  ours: false,
};

test.each([
  ['vcenter.example.com', 'vcenter.example.com', 443],
  ['vcenter.example.com:8443', 'vcenter.example.com', 8443],
  ['[2001:db8::1]:444', '2001:db8::1', 444],
])('a flat request with vcenter_host %s has a source', (text, host, port) => {
  expect(sourceOf({ vm_name: 'pgtest1', vm_path: '/DC1/vm/pgtest1', vcenter_host: text })).toMatchObject({
    type: 'vsphere',
    host,
    port,
    path: '/DC1/vm/pgtest1',
    quiesce: 'try',
    transports: ['https'],
  });
});

test.each([undefined, null, ''])('a request without source and with vcenter_host %s is refused', (host) => {
  expect(() => sourceOf({ vm_name: 'x', vcenter_host: host ?? null })).toThrow(/neither source nor vcenter_host/);
});

test.each(['a b', 'host:notaport', 'host:65536', 'host:0', '[vcenter]:443', '2001:db8::1'])(
  'vcenter_host %s is refused, and the field named',
  (host) => {
    expect(() => sourceOf({ vm_name: 'x', vcenter_host: host })).toThrow(/^\/vcenter_host: /);
  },
);

test('who logs in must be known, and the error holds no password', () => {
  expect(addressOf(spec, { user: 'backup', password: 'canary' })).toMatchObject({ user: 'backup', password: 'canary' });
  expect(() => addressOf(spec, null)).toThrow(/vcenter_password is needed/);
  expect(() => addressOf(spec, { user: '', password: 'canary' })).toThrow(
    /^\/vcenter_user is needed to log in at vcenter.example.com$/,
  );
});

test('a disk is the same disk whatever snapshot its file is a delta of', () => {
  expect(baseFile('[ds] a/b-000012.vmdk')).toBe('[ds] a/b.vmdk');
  expect(baseFile('[ds] a/b-12.vmdk')).toBe('[ds] a/b-12.vmdk');
  const without = disk({ uuid: null });
  expect(identityOf(without)).toBe(identityOf({ ...without, file: '[LocalDS_0] pgtest1/pgtest1-000001.vmdk' }));
  expect(identityOf(without)).not.toBe(identityOf({ ...without, file: '[LocalDS_0] pgtest1/pgtest1_1.vmdk' }));
});

test('change tracking counts where it is on or is to be switched on', () => {
  const tracking = (cbt: VsphereSourceSpec['cbt'], enabled: boolean, supported = true) =>
    diskInfos(vm({ cbt: { enabled, supported } }), { ...spec, cbt })[0]?.change_tracking;
  expect(tracking('auto', true)).toBe('cbt');
  expect(tracking('auto', false)).toBe('digest');
  expect(tracking('enable', false)).toBe('cbt');
  expect(tracking('off', true)).toBe('digest');
  expect(tracking('enable', false, false)).toBe('digest');
});

test('disks that take no part are told apart with the reason', () => {
  const independent = disk({ key: 2001, protected: false, not_protected_reason: 'independent', uuid: null });
  const both = vm({ disks: [disk(), independent] });
  expect(diskInfos(both, spec).map(({ key }) => key)).toEqual(['2000']);
  expect(notProtectedDisks(both)).toEqual([{ label: 'Hard disk 1 (scsi0:0)', uuid: null, reason: 'independent' }]);
});

test.each([
  ['all is well', vm(), spec, null],
  ['a template', vm({ template: true }), spec, 'source.unsupported'],
  ['no right to make or remove snapshots', vm({ findings: [lacking('snapshot')] }), spec, 'vsphere.permission'],
  ['no right to switch tracking on', vm({ findings: [lacking('tracking')] }), spec, null],
  [
    'no right to switch tracking on, which the plan wants',
    vm({ findings: [lacking('tracking')] }),
    { ...spec, cbt: 'enable' },
    'vsphere.permission',
  ],
  ['a disconnected host', vm({ connection_state: 'disconnected' }), spec, 'source.unsupported'],
  ['a foreign snapshot', vm({ snapshots: [foreign] }), spec, 'snapshot.foreign'],
  ['a foreign snapshot that is allowed', vm({ snapshots: [foreign] }), { ...spec, foreign_snapshots: 'allow' }, null],
  ['a left-over of ours', vm({ snapshots: [{ ...foreign, ours: true }] }), spec, null],
  [
    'tracking required and off',
    vm({ cbt: { supported: true, enabled: false } }),
    { ...spec, cbt: 'require' },
    'cbt.off',
  ],
  ['tracking to be enabled', vm({ cbt: { supported: true, enabled: false } }), { ...spec, cbt: 'enable' }, null],
  [
    'tracking not possible',
    vm({ cbt: { supported: false, enabled: false } }),
    { ...spec, cbt: 'enable' },
    'cbt.unsupported',
  ],
  ['only independent disks', vm({ disks: [disk({ protected: false })] }), spec, 'source.unsupported'],
] as const)('before the snapshot: %s', (_what, one, its, code) => {
  expect(refusal(one, its as VsphereSourceSpec)?.code ?? null).toBe(code);
});

describe('a disk that is served before it is asked for', () => {
  const early = (closed: string[]) =>
    earlyDisk(2000, {
      uri: 'nbd:early',
      requestBytes: 1,
      connections: 1,
      multiConn: false,
      lastError: () => null,
      process: { pid: 1, start_time: '1' } as never,
      [Symbol.asyncDispose]: async () => void closed.push('early'),
    });

  test('is handed over once, and then is no longer ours to close', async () => {
    const closed: string[] = [];
    {
      await using held = early(closed);
      expect((await held.take(2000))?.uri).toBe('nbd:early');
      expect(await held.take(2000)).toBeNull();
    }
    expect(closed).toEqual([]);
  });

  test('gives way to another that is asked for first', async () => {
    const closed: string[] = [];
    await using held = early(closed);
    expect(await held.take(2001)).toBeNull();
    expect(closed).toEqual(['early']);
    expect(await held.take(2000)).toBeNull();
  });

  test('is closed where nobody asked', async () => {
    const closed: string[] = [];
    await early(closed)[Symbol.asyncDispose]();
    expect(closed).toEqual(['early']);
  });
});

test('a job of this node is held while its process lives', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sendense-job-hold-'));
  try {
    for (const job of [join(folder, 'state', 'jobs', 'any'), join(folder, 'alone')]) {
      expect(await isJobHeld(job, 'node', 'job-1')).toBe(false);
      {
        await using _held = await holdJob(job, 'node', 'job-1');
        expect(await isJobHeld(job, 'node', 'job-1')).toBe(true);
        expect(await isJobHeld(job, 'node', 'job-2')).toBe(false);
        expect(await isJobHeld(job, 'other', 'job-1')).toBe(false);
        await expect(holdJob(job, 'node', 'job-1')).rejects.toMatchObject({ code: 'node.busy' });
      }
      expect(await isJobHeld(job, 'node', 'job-1')).toBe(false);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a node keeps its id, and no other state folder has it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sendense-node-id-'));
  try {
    const at = async (state: string): Promise<string> => {
      await mkdir(join(folder, state, 'jobs'), { recursive: true });
      return nodeIdOf(join(folder, state, 'jobs', 'job-1'));
    };
    const first = await at('one');
    expect(await at('one')).toBe(first);
    expect(await at('two')).not.toBe(first);
    // As on a machine made from the same image: the same path, another random id.
    await rm(join(folder, 'one', 'node-id'));
    expect(await at('one')).not.toBe(first);
    expect(await nodeIdOf(join(folder, 'by-hand'))).toBe(await nodeIdOf(join(folder, 'by-hand-too')));
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('one job at a time writes to the disks of a VM', () => {
  const server = { instanceUuid: null, host: '192.0.2.1', port: 443 };
  const moref = `vm-${process.pid}`;

  test('told by the address and port of a host that does not say who it is', async () => {
    await using _one = await holdDisks(server, moref, 'pgtest1');
    await expect(holdDisks(server, moref, 'pgtest1')).rejects.toMatchObject({ code: 'source.half_restored' });
    await using _other = await holdDisks({ ...server, port: 8443 }, moref, 'pgtest1');
  });

  test('told by the vCenter, by whatever name that was asked', async () => {
    const vcenter = { ...server, instanceUuid: randomUUID() };
    await using _one = await holdDisks(vcenter, moref, 'pgtest1');
    const byName = { ...vcenter, host: 'vcenter.example.com' };
    await expect(holdDisks(byName, moref, 'pgtest1')).rejects.toMatchObject({ code: 'source.half_restored' });
    await using _other = await holdDisks({ ...server, instanceUuid: randomUUID() }, moref, 'pgtest1');
  });

  test('also when the user has logged out, and systemd has emptied what was in memory', async () => {
    {
      const inMemory = await forThisUser().make();
      const before = new Set(await readdir(inMemory));
      await using _one = await holdDisks(server, moref, 'pgtest1');
      const made = (await readdir(inMemory)).filter((file) => file.startsWith('vm-') && !before.has(file));
      for (const file of made) await rm(join(inMemory, file));
      await expect(holdDisks(server, moref, 'pgtest1')).rejects.toMatchObject({ code: 'source.half_restored' });
    }
    await using _again = await holdDisks(server, moref, 'pgtest1');
  });
});
