import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { VmConfig, VsphereSourceSpec } from '../../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../../src/schemas/validator.ts';
import { connectVsphere, type Moref } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { parseDatastorePath } from '../../../src/node/vsphere/datastore-path.ts';
import { downloadDatastoreFile } from '../../../src/node/vsphere/download-datastore-file.ts';
import { saveVmConfig } from '../../../src/node/vsphere/save-vm-config.ts';
import { takeSnapshot } from '../../../src/node/vsphere/take-snapshot.ts';
import { vmFacts } from '../../../src/node/vsphere/vm-facts.ts';
import { mayBeSecret, vmxWithoutSecrets } from '../../../src/node/vsphere/without-secrets.ts';
import type { SimulatedVm, VmSpec } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';

const MiB = 1024 * 1024;
let folder: string;
let vcenter: Vcenter;
let vsphere: Vsphere;
let number = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vm-config-'));
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null });
}, 300_000);
afterEach(() => vcenter.clearFaults());
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const vmx = 'displayName = "x"\nguestinfo.api.token = "hush"\nmemSize = "2048"\n';
const newVm = async (spec: Partial<VmSpec> = {}): Promise<SimulatedVm> => {
  const name = `config-${++number}`;
  const vm = await vcenter.addVm({ name, disks: [{ capacity: 4 * MiB }], cbt: true, ...spec });
  await writeFile(join(vcenter.folder, vcenter.datastore, name, `${name}.vmx`), vmx);
  return vm;
};
const context = () => ({
  spec: { ...vcenter, ca: null } as unknown as VsphereSourceSpec,
  cookie: (refused?: string) => vsphere.cookie(refused),
});

async function save(of: SimulatedVm) {
  const vm: Moref = { type: 'VirtualMachine', value: of.moref };
  const facts = await vmFacts(vsphere, vm);
  const warned: string[] = [];
  const quiet = (): void => {};
  await using snapshot = await takeSnapshot(vsphere, vm, {
    mark: { job: 'job-1', backup: null, node: 'n', time: 0 },
    quiesce: 'off',
    cbt: 'auto',
    foreignSnapshots: 'refuse',
    isAlive: () => Promise.resolve(false),
    warn: quiet,
    log: quiet,
  });
  const file = join(folder, `${of.name}.json`);
  const saved = await saveVmConfig(vsphere, {
    facts,
    snapshot: snapshot.moref,
    disks: snapshot.disks,
    download: (path, limit, signal) => downloadDatastoreFile(context(), facts.datacenter, path, limit, signal),
    file,
    warn: (message) => void warned.push(message),
  });
  const text = saved === null ? null : await readFile(file, 'utf8');
  return { saved, file, text, warned, config: text === null ? null : (JSON.parse(text) as VmConfig) };
}

describe("a VM's configuration", () => {
  it('has all that is needed to make the VM again, and fits its schema', async () => {
    const nvram = Buffer.from('settings of the firmware');
    const vm = await newVm({
      disks: [
        { capacity: 4 * MiB },
        { capacity: 8 * MiB, controller: 'nvme0' },
        { capacity: 4 * MiB, mode: 'independent_persistent' },
      ],
      firmware: 'efi',
      annotation: 'Pay <roll> & "more"',
      cpus: 2,
      memoryMb: 2048,
      networks: [{ name: 'VM Network', mac: '00:50:56:01:02:03' }],
      nvram,
    });
    const { saved, file, text, config, warned } = await save(vm);
    const validate = validatorOf('vm-config.json');
    expect(validate(config), describeErrors(validate.errors)).toBe(true);
    expect(config).toMatchObject({
      name: vm.name,
      path: vm.path,
      instance_uuid: vm.instanceUuid,
      firmware: 'efi',
      hardware_version: 'vmx-19',
      annotation: 'Pay <roll> & "more"',
      cpu: { count: 2 },
      memory: { bytes: 2048 * MiB },
      change_tracking: true,
      folder: '/DC1/vm',
      datacenter: 'DC1',
      resource_pool: expect.stringContaining('Resources'),
      host: expect.any(String),
      networks: [{ mac: '00:50:56:01:02:03', network: 'VM Network', type: 'VirtualVmxnet3' }],
      nvram: { base64: nvram.toString('base64'), sha256: createHash('sha256').update(nvram).digest('hex') },
      vmx: { text: vmx.replace(/guestinfo.*\n/, '') },
    });
    expect(config?.disks.map(({ uuid, in_restore_point: is }) => [uuid, is])).toEqual(
      vm.disks.map(({ uuid }, index) => [uuid, index < 2]),
    );
    const controllers = config?.controllers.map(({ key }) => key);
    expect(config?.disks.every(({ controller_key: key }) => controllers?.includes(key))).toBe(true);
    expect(warned).toEqual([]);
    expect(saved).toEqual({
      bytes: Buffer.byteLength(text ?? ''),
      sha256: createHash('sha256')
        .update(text ?? '')
        .digest('hex'),
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('has no secrets of extraConfig, and says how many there were', async () => {
    const vm = await newVm();
    const extra = (key: string) => ({ fields: [['key', key], ['value', 'hush']] }) as const; // oxfmt-ignore
    const spec = { fields: [['extraConfig', [extra('guestinfo.db.password'), extra('guestinfo.userdata')]]] } as const;
    await vsphere.task('ReconfigVM_Task', { type: 'VirtualMachine', value: vm.moref }, [['spec', spec]]);
    const { config, text } = await save(vm);
    expect(config?.secrets_dropped).toBe(3);
    expect(text).not.toContain('hush');
  });

  it('is saved with a warning where the files of the VM cannot be read', async () => {
    const vm = await newVm();
    await vcenter.fault('folder-status', { status: 403 });
    const { config, warned } = await save(vm);
    expect(config).toMatchObject({ vmx: null, nvram: null });
    expect(warned).toHaveLength(2);
    expect(warned.join()).toMatch(/\.vmx is not saved.*\.nvram is not saved/);
    expect(config?.warnings).toEqual(warned);
  });

  it('of a VM whose .vmx file is huge goes without it', async () => {
    const vm = await newVm();
    await writeFile(join(vcenter.folder, vcenter.datastore, vm.name, `${vm.name}.vmx`), Buffer.alloc(MiB + 1));
    const { config, warned } = await save(vm);
    expect(config).toMatchObject({ vmx: null, nvram: { sha256: expect.any(String) } });
    expect(warned.join()).toContain(`${MiB + 1} bytes`);
  });

  it('that cannot be written is a warning, never an error', async () => {
    const vm = await newVm();
    await writeFile(join(folder, `${vm.name}.json`), 'in the way');
    const { saved, warned } = await save(vm);
    expect(saved).toBeNull();
    expect(warned.join()).toContain('is not saved');
  });

  it('is read with a session that ended in the middle', async () => {
    const vm = await newVm();
    const path = `[${vcenter.datastore}] ${vm.name}/${vm.name}.vmx`;
    await vcenter.expireSessions();
    expect((await downloadDatastoreFile(context(), 'DC1', path, MiB)).toString()).toBe(vmx);
  });
});

describe('settings that may hold secrets', () => {
  it.each([
    'guestinfo.adminPassword', 'guestinfo.userdata', 'guestinfo.ignition.config.data', 'RemoteDisplay.vnc.key',
    'encryption.keySafe', 'guestinfo.aws.secret', 'guestinfo.KEYID', 'x.token', 'sched.passwd',
  ])('%s is one', (name) => expect(mayBeSecret(name)).toBe(true)); // oxfmt-ignore
  it.each(['nvram', 'scsi0:0.ctkEnabled', 'guestinfo.hostname', 'disk.EnableUUID', 'keyboard.type'])(
    '%s is none',
    (name) => expect(mayBeSecret(name)).toBe(false),
  );
  it('are dropped from a .vmx file by name, not by value', () => {
    expect(vmxWithoutSecrets('a = "password"\nb.password = "x"\r\nc = "1"')).toEqual({
      text: 'a = "password"\nc = "1"',
      dropped: 1,
    });
  });
});

describe('the path of a file', () => {
  it('is a datastore and names', () => {
    expect(parseDatastorePath('[my store] a b/c.vmx')).toEqual({ datastore: 'my store', segments: ['a b', 'c.vmx'] });
    expect(parseDatastorePath('[ds] c.vmx')).toEqual({ datastore: 'ds', segments: ['c.vmx'] });
  });
  it.each(['', 'a/b', '[ds]', '[ds] ../x', '[ds] a//b', '[ds] a/./b', '[a/b] c', '[ds] a\nb'])(
    'is none in %j',
    (path) => expect(() => parseDatastorePath(path)).toThrow('is no path'),
  );
});
