import { describe, expect, it } from 'vitest';
import { keptAddress } from '../../../../src/node/vsphere/new-vm/wanted-cards.ts';
import { wantedVm, type WantedVm } from '../../../../src/node/vsphere/new-vm/wanted-vm.ts';
import { markedAnnotation, readRestoreMark } from '../../../../src/node/vsphere/new-vm/restore-mark.ts';
import type { VmConfig } from '../../../../src/schemas/types.ts';
import { savedConfig, savedDisk } from './saved-config.ts';

const MiB = 1024 * 1024;
const wanted = (more: Partial<VmConfig>, sizes: readonly (readonly [number, number])[] = [[2000, 4 * MiB]]): WantedVm =>
  wantedVm(savedConfig(more), { disks: new Map(sizes), withoutTpm: false });
const { controllers, networks, security } = savedConfig();
const [ide, scsi] = controllers as [(typeof controllers)[0], (typeof controllers)[0]];
const [card] = networks as [(typeof networks)[0]];
const other = (type: string, label = type): VmConfig['others'][0] => ({
  key: 9,
  type,
  label,
  summary: '',
  controller_key: 200,
  unit: 0,
  backing: '[LocalDS_0] other/secret.iso',
  start_connected: true,
});

describe('what a saved configuration says', () => {
  it('is taken over', () => {
    expect(wanted({ nvram: { file: 'x', sha256: '0'.repeat(64), base64: 'Zmlybg==' } })).toMatchObject({
      hardwareVersion: 15,
      guestId: 'debian10_64Guest',
      firmware: 'efi',
      secureBoot: true,
      cpus: 4,
      coresPerSocket: 2,
      cpuHotAdd: true,
      memoryMiB: 2048,
      biosUuid: '423d0000-1111-2222-3333-444455556666',
      controllers: [{ key: 1000, type: 'VirtualLsiLogicSASController', family: 'scsi', bus: 0 }],
      disks: [{ key: 2000, controllerKey: 1000, unit: 0, bytes: 4 * MiB, thin: true }],
      cards: [{ mac: '00:50:56:81:0a:01', network: 'VM Network', startConnected: true }],
      extraConfig: [{ key: 'disk.EnableUUID', value: 'TRUE' }],
      nvram: Buffer.from('firn'),
      leftOut: [],
    });
  });

  it('keeps the order of the disks, whatever the order of the restore point', () => {
    const disks = [savedDisk({ key: 2003, unit: 3 }), savedDisk({ key: 2000 })];
    const found = wanted({ disks }, [
      [2000, MiB],
      [2003, MiB],
    ]);
    expect(found.disks.map(({ key }) => key)).toEqual([2003, 2000]);
  });

  it('is left out where it names files, devices of the host or places of the old VM, and somebody may miss it', () => {
    const extra = [
      'scsi0:0.fileName',
      'serial0.fileName',
      'pciPassthru0.id',
      'sched.swap.derivedName',
      'nvram',
      'Guestinfo.role',
    ];
    const found = wanted({
      extra_config: extra.map((key) => ({ key, value: 'x' })),
      others: [
        other('VirtualCdrom'),
        other('VirtualSerialPort', 'Serial\u001b[31m port 1'),
        other('VirtualMachineVideoCard'),
      ],
    });
    expect(found.extraConfig).toEqual([{ key: 'Guestinfo.role', value: 'x' }]);
    expect(found.cdDrives).toEqual([{ controllerKey: 200, unit: 0 }]);
    expect(found.leftOut).toEqual([
      'values of extraConfig: "scsi0:0.fileName", "serial0.fileName", "pciPassthru0.id"',
      'Serial[31m port 1 (VirtualSerialPort)',
    ]);
  });

  it('starts from where it did, if the VM has all of these devices', () => {
    const boot = { ...savedConfig().boot, delay_ms: 1e9, retry: true };
    expect(wanted({ boot: { ...boot, order: ['disk 2000', 'floppy'] } })).toMatchObject({
      boot: { delayMs: null, retry: true, order: [{ kind: 'disk', key: 2000 }, { kind: 'floppy' }] },
      leftOut: [],
    });
    for (const order of [['disk 2001'], ['disk 2000', 'disk 2000"><x']])
      expect(wanted({ boot: { ...boot, order } })).toMatchObject({
        boot: { order: [] },
        leftOut: ['the boot order, because of devices that the VM does not have'],
      });
  });

  const bad: [string, Partial<VmConfig>, string][] = [
    ['firmware', { firmware: 'openfirmware' }, 'neither bios nor efi'],
    ['hardware', { hardware_version: 'vmx-19"><x' }, 'no vmx-NUMBER'],
    ['no hardware', { hardware_version: null }, 'no vmx-NUMBER'],
    ['CPUs', { cpu: { ...savedConfig().cpu, count: 0 } }, 'no number of CPUs'],
    ['memory', { memory: { ...savedConfig().memory, bytes: 1e18 } }, "no size of a VM's memory"],
    ['a TPM', { security: { ...security, tpm: true } }, 'virtual TPM'],
    ['two controllers at one place', { controllers: [ide, scsi, { ...scsi, key: 1001 }] }, 'no place of its own'],
    ['a bus', { controllers: [{ ...scsi, bus: 4 }] }, 'no place of its own'],
    ['no controller', { controllers: [ide] }, 'controller 1000 that is not there'],
    ['unit 7', { disks: [savedDisk({ unit: 7 })] }, 'no unit that there is'],
    ['unit -1', { disks: [savedDisk({ unit: -1 })] }, 'no unit that there is'],
    ['an unknown disk', { disks: [savedDisk({ key: 2001 })] }, 'does not know the disk 2000'],
    ['an address', { networks: [{ ...card, mac: '00:50:56:81:0a' }] }, 'no MAC address'],
    ['an adapter', { networks: [{ ...card, type: 'VirtualDisk' }] }, 'cannot be made'],
    ['NVRAM', { nvram: { file: 'x', sha256: '0'.repeat(64), base64: '' } }, 'NVRAM of 0 bytes'],
  ];
  it.each(bad)('is refused with its reason: %s', (_, more, reason) => {
    expect(() => wanted(more)).toThrow(reason);
  });

  it('is refused where two disks have one place, or a size is odd', () => {
    const disks = [savedDisk({}), savedDisk({ key: 2001 })];
    const sizes = [
      [2000, MiB],
      [2001, MiB],
    ] as const;
    expect(() => wanted({ disks }, sizes)).toThrow('have one place');
    expect(() => wanted({}, [[2000, MiB + 512]])).toThrow('whole KiB');
    expect(() => wanted({}, [])).toThrow('no disk');
  });

  it('can be made without a virtual TPM, which is said', () => {
    const config = savedConfig({ security: { ...security, tpm: true }, others: [other('VirtualTPM')] });
    expect(wantedVm(config, { disks: new Map([[2000, MiB]]), withoutTpm: true }).leftOut).toEqual(['the virtual TPM']);
  });
});

it.each([
  ['00:50:56:81:00:01', 'assigned', false],
  ['00:50:56:3f:00:01', 'manual', false],
  ['00:50:56:c0:00:01', 'manual', true],
  ['00:0c:29:81:00:01', 'manual', true],
  ['52:54:00:12:34:56', 'manual', false],
])('keeps the address %s as %s', (mac, type, unchecked) => {
  expect(keptAddress(mac)).toEqual({ type, unchecked });
});

describe('the mark of a VM that is being restored', () => {
  const mark = { run: 'run-1', point: 'pgtest1-20260101T000000Z' };
  it('is read again, whatever the annotation is', () => {
    for (const then of ['', 'Payroll', 'sendense-restore/1 run=a point=b'])
      expect(readRestoreMark(markedAnnotation(mark, then))).toEqual(mark);
    expect(markedAnnotation(mark, '')).toContain('Do not start it yet. If you start it, remove these lines first.');
  });

  it('of another restore is not taken over with the annotation: the VM would be removed with that one', () => {
    const stale = markedAnnotation({ run: 'old', point: 'p' }, 'Payroll\nsecond line');
    for (const text of [stale, markedAnnotation(mark, stale), `  ${stale}`])
      expect(wanted({ annotation: text }).annotation).toBe('Payroll\nsecond line');
    expect(wanted({ annotation: 'sendense-restore/1 run=a point=b' }).annotation).toBe('');
    expect(wanted({ annotation: ' Payroll\n' }).annotation).toBe(' Payroll\n');
  });

  it('is no longer one when somebody writes another first line', () => {
    for (const text of [
      '',
      `mine\n${markedAnnotation(mark, '')}`,
      'sendense-restore/1 run=a',
      'sendense-restore/1 run=a point=',
      'sendense-restore/1 run=a point=b c',
    ])
      expect(readRestoreMark(text)).toBeNull();
  });
});
