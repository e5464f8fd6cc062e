import { describe, expect, test } from 'vitest';
import { machineOf, type MachineFacts } from '../../src/machines/machine-of.ts';
import type { Machine } from '../../src/machines/machine.ts';
import type { VmConfig } from '../../src/schemas/types.ts';
import { pointDisks, savedCard, savedConfig, savedController, savedDisk } from './saved-config.ts';

const made = (config: VmConfig | null, more: Partial<MachineFacts> = {}): Machine =>
  machineOf({
    config,
    disks: pointDisks(config?.disks.length ?? 1),
    wanted: {},
    vmName: 'pgtest1',
    firmwareByDisk: 'bios',
    ...more,
  });

/** One disk on each of these controllers. */
const onControllers = (types: readonly string[], firmware = 'bios'): Machine =>
  made(
    savedConfig({
      firmware,
      controllers: types.map((type, index) => savedController(1000 + index, type, 0)),
      disks: types.map((_, index) => savedDisk(index, { controller_key: 1000 + index, unit: 0 })),
    }),
  );

test('the machine of a VM of vSphere, as its guest knows it', () => {
  expect(made(savedConfig())).toEqual({
    name: 'pgtest1',
    firmware: 'bios',
    secureBoot: false,
    cpus: { count: 2, coresPerSocket: 1 },
    memoryBytes: 256 * 2 ** 20,
    disks: [{ number: 0, bus: 'pvscsi', place: { controller: 0, unit: 0 }, bootOrder: 1 }],
    networks: [{ model: 'vmxnet3', mac: '00:50:56:9a:1b:2c', network: 'VM Network', connected: true }],
    clock: 'utc',
    biosUuid: '422e2b61-8d2f-4c4f-a2f7-6f9c4f5a9d11',
    notes: [],
  });
});

describe('disks', () => {
  const types = [
    'ParaVirtualSCSI',
    'VirtualLsiLogicSAS',
    'VirtualNVME',
    'VirtualIDE',
    'VirtualAHCI',
    'VirtualLsiLogic',
  ];
  const controllers = types.map((type) => `${type}Controller`);
  const busesOf = ({ disks }: Machine): string[] => disks.map(({ bus }) => bus);

  test('are on the controllers that they were on, where QEMU has them and the firmware can read them', () => {
    const [bios, efi] = [onControllers(controllers), onControllers(controllers, 'efi')];
    expect(busesOf(bios)).toEqual(['pvscsi', 'lsisas', 'nvme', 'ide', 'ahci', 'ahci']);
    expect(busesOf(efi)).toEqual(['ahci', 'ahci', 'nvme', 'ide', 'ahci', 'ahci']);
    expect(bios.notes).toEqual([expect.stringMatching(/^disk-5 was at .* because QEMU has no such controller/)]);
    expect(efi.notes).toHaveLength(3);
  });

  test('keep controller and unit, and their own order, and start in the order that was saved', () => {
    const { disks } = made(
      savedConfig({
        controllers: [
          savedController(1000, 'ParaVirtualSCSIController', 0),
          savedController(1001, 'VirtualLsiLogicSASController', 1),
        ],
        // The restore point counts them in another order than the VM.
        disks: [savedDisk(1, { unit: 0 }), savedDisk(0, { unit: 8 }), savedDisk(2, { controller_key: 1001, unit: 3 })],
        boot: { ...savedConfig().boot, order: ['cdrom', 'disk 2002'] },
        extra_config: [{ key: 'bios.hddOrder', value: 'scsi0:9, scsi0:0' }],
      }),
    );
    expect(disks).toEqual([
      { number: 1, bus: 'pvscsi', place: { controller: 0, unit: 0 }, bootOrder: 3 },
      { number: 0, bus: 'pvscsi', place: { controller: 0, unit: 8 }, bootOrder: 2 },
      { number: 2, bus: 'lsisas', place: { controller: 1, unit: 3 }, bootOrder: 1 },
    ]);
  });

  test('share no place, however many want it, and none is where there is nothing', () => {
    const { disks } = made(
      savedConfig({
        controllers: [
          savedController(1000, 'VirtualIDEController', 0),
          savedController(1001, 'VirtualLsiLogicSASController', 99),
        ],
        disks: [
          ...Array.from({ length: 6 }, (_, index) => savedDisk(index, { unit: -7 * index })),
          ...[6, 7, 8].map((index) => savedDisk(index, { controller_key: 1001, unit: 12 })),
        ],
      }),
    );
    const places = disks.map(({ bus, place }) => `${bus} ${place.controller}:${place.unit}`);
    expect(new Set(places).size).toBe(9);
    expect(places.filter((place) => place.startsWith('ide'))).toHaveLength(4);
    expect(places.slice(6)).toEqual(['lsisas 0:0', 'lsisas 0:1', 'lsisas 0:2']);
  });
});

test('without a saved configuration all that is missing is named at once, and can be said', () => {
  expect(() => made(null)).toThrow(
    expect.objectContaining({ code: 'machine.unknown', message: expect.stringContaining('missing: memory, cpus') }),
  );
  const { disks, networks, memoryBytes, firmware, notes } = made(null, {
    wanted: { memoryBytes: 2 ** 30 + 7, cpus: 1 },
    firmwareByDisk: 'efi',
  });
  expect({ disks, networks, memoryBytes, firmware }).toEqual({
    disks: [{ number: 0, bus: 'ahci', place: { controller: 0, unit: 0 }, bootOrder: 1 }],
    networks: [],
    memoryBytes: 2 ** 30,
    firmware: 'efi',
  });
  expect(notes).toHaveLength(1);
});

test('what others have written is bounded, and never more than text', () => {
  const { cpu, memory } = savedConfig();
  const hostile = savedConfig({
    name: "../../<x>'\u001b[2J\u2028--evil",
    bios_uuid: "'; rm -rf /",
    cpu: { ...cpu, cores_per_socket: -3 },
    networks: [
      savedCard({ type: 'Virtual<x>\u001b[2J', mac: 'ff:ff:ff:ff:ff:ff', network: 'a\nb' }),
      ...Array.from({ length: 40 }, () => savedCard({ mac: '00:50:56:9a:1b:2c,evil=on' })),
    ],
    others: [
      {
        key: 1,
        type: 'x'.repeat(10_000),
        label: '',
        summary: '',
        controller_key: 1,
        unit: 1,
        backing: null,
        start_connected: null,
      },
    ],
  });
  const { name, biosUuid, cpus, networks, notes } = made(hostile);
  expect({ name, biosUuid, cpus }).toEqual({
    name: 'x_2J_--evil',
    biosUuid: null,
    cpus: { count: 2, coresPerSocket: 1 },
  });
  expect(networks).toHaveLength(16);
  expect(networks.every(({ mac }) => mac === null)).toBe(true);
  expect(networks[0]?.network).toBeNull();
  for (const note of notes) expect(note).toMatch(/^[\P{C}]{1,300}$/u);
  for (const spoiled of [
    { firmware: 'efi,evil' },
    { memory: { ...memory, bytes: 2 ** 52 } },
    { cpu: { ...cpu, count: -1 } },
    { cpu: { ...cpu, count: 1e9 } },
  ])
    expect(() => made(savedConfig(spoiled))).toThrow(expect.objectContaining({ code: 'machine.unknown' }));
});

test('what the guest loses is told', () => {
  const { security } = savedConfig();
  const { notes, clock, secureBoot } = made(
    savedConfig({
      guest_id: 'windows2019srv_64Guest',
      firmware: 'efi',
      secure_boot: true,
      security: { ...security, tpm: true },
      nvram: { file: '[LocalDS_0] a/a.nvram', sha256: '0'.repeat(64), base64: '' },
      controllers: [savedController(1000, 'VirtualAHCIController')],
      disks: [savedDisk(0), savedDisk(1, { in_restore_point: false })],
    }),
    { disks: pointDisks(1) },
  );
  expect({ clock, secureBoot }).toEqual({ clock: 'localtime', secureBoot: true });
  expect(notes.join('\n')).toMatch(/TPM.*\nSecure Boot is off\n.*BOOTX64.EFI\nnot in the restore point: Hard disk 2/s);
});

test('a uuid of zeros is none', () => {
  expect(made(savedConfig({ bios_uuid: '00000000-0000-0000-0000-000000000000' })).biosUuid).toBeNull();
});
