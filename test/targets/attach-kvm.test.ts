import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import { lockedFiles } from '../../src/host/files/file-users.ts';
import { attachedInKvm } from '../../src/hub/attached/attached-kvm.ts';
import { attachKvmTarget } from '../../src/targets/attach-kvm/attach-kvm-target.ts';
import { folderName } from '../../src/targets/attach-kvm/attach-kvm-claim.ts';
import { markFile, markIn, markText, serialOf } from '../../src/targets/attach-kvm/attached-mark.ts';
import { detachKvm } from '../../src/targets/attach-kvm/detach-kvm.ts';
import { freePlaces, numberOf } from '../../src/targets/attach-kvm/free-place.ts';
import type { TargetKind, TargetType } from '../../src/targets/target-kind.ts';
import type { DomainDevices, DomainLook } from '../../src/host/libvirt/domain-devices.ts';
import { devicesIn } from '../../src/host/libvirt/domain-devices.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { temporaryState } from '../state/temporary-state.ts';
import { MiB, workshop } from '../node/support.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';
import { runId, targetChecks, type TargetSubject } from './target-checks.ts';

const timeout = 300_000;

const hasLibvirt =
  process.getuid?.() === 0 && existsSync('/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so');

describe.skipIf(!hasLibvirt)('a disk of a VM of libvirt as a target', { timeout }, () => {
  let libvirt: OwnLibvirtd;
  let number = 0;
  beforeAll(async () => {
    libvirt = await ownLibvirtd();
  }, timeout);
  afterAll(() => libvirt?.[Symbol.asyncDispose]());

  interface Subject extends TargetSubject<'attachKvm'> {
    readonly vm: string;
    readonly uuid: string;
    readonly folder: string;
    xml(...words: string[]): Promise<string>;
  }

  /** @param bus of its own disk @param isOn it runs, without a guest that does anything */
  async function subject({ bus = 'scsi', isOn = true, name = '', acpi = true } = {}): Promise<Subject> {
    const at = await workshop();
    const vm = name === '' ? `web${++number}` : name;
    const uuid = randomUUID();
    const own = await rawDisk(at.path('own.raw'), MiB, []);
    await libvirt.virsh('define', await domainFile(at.path('domain.xml'), { vm, uuid, bus, own, acpi }));
    if (isOn) await libvirt.virsh('start', uuid);
    const raw = [
      await rawDisk(at.path('a.raw'), 2 * MiB, [[65_536, 100_000]]),
      await rawDisk(at.path('b.raw'), MiB, [[8192, 512]]),
    ];
    const { disks, contents, from } = await restoredDisks(at, raw);
    const folder = at.path('images');
    await mkdir(folder);
    const xml = (...words: string[]) => libvirt.virsh('dumpxml', uuid, ...words);
    return {
      vm,
      uuid,
      folder,
      xml,
      kind: attachKvmTarget as TargetKind<'attachKvm', object, object>,
      request: { to: { attachKvm: vm, libvirt: libvirt.uri, folder }, disks, from },
      planFolder: at.path('plans'),
      contents,
      mayHoldRepository: false,
      seen: async () => [
        ...(await readdir(folder, { recursive: true })).toSorted(),
        ...[...`${await xml()} ${await xml('--inactive')}`.matchAll(/<target dev=['"][a-z]+/g)].map(([text]) => text),
      ],
      occupy: async (written) => {
        const [file = ''] = written.map((one) => one.file);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, 'theirs');
        return async () => exists(file);
      },
      [Symbol.asyncDispose]: async () => {
        await libvirt.virsh(`destroy ${uuid}; undefine ${uuid}`).catch(() => undefined);
        await at[Symbol.asyncDispose]();
      },
    };
  }

  describe('as any target', () => {
    // Each check leaves it as it was.
    let of: Subject;
    beforeAll(async () => {
      of = await subject();
    }, timeout);
    afterAll(() => of?.[Symbol.asyncDispose]());
    test.each(Object.entries(targetChecks))('%s', async (_title, check) => {
      await check(of as unknown as TargetSubject<TargetType>);
      expect(await libvirt.virsh('domstate', of.uuid)).toBe('running');
      await rm(of.folder, { recursive: true });
      await mkdir(of.folder);
    });
  });

  /** As a run would, from the claim to the end of publishing. */
  async function attached({ request, planFolder }: Subject, run = runId) {
    const facts = { runId: run, stepId: 'write', planFolder };
    const remembered: Record<string, unknown> = {};
    const acting = {
      ...facts,
      signal: new AbortController().signal,
      log: () => undefined,
      progress: () => undefined,
      remember: (key: string, value: unknown) => void (remembered[key] = value),
      disks: request.disks,
      from: request.from,
    };
    const claim = attachKvmTarget.claim(request.to, request.disks, facts);
    await attachKvmTarget.assertFree(request, claim);
    const { files, machine = null } = await attachKvmTarget.write(request, claim, acting);
    const names = attachKvmTarget.claimNames(files, machine);
    return { claim, names, remembered, publish: () => attachKvmTarget.publish(names, acting) };
  }
  const state = temporaryState();
  afterAll(() => state[Symbol.dispose]());
  const places = attachedInKvm(state.state);
  const list = async (vm?: string) => (await places.list({ place: { kind: 'kvm', libvirt: libvirt.uri }, vm })).disks;
  const detach = (ids: readonly string[], forget = false) => detachKvm({ uri: libvirt.uri, ids, forget });
  const allOf = async (vm: string): Promise<string[]> => (await list(vm)).map(({ id }) => id);

  test.each([
    ['scsi', true],
    ['virtio', false],
    ['ide', false],
  ])('on %s, on: %s: it comes and goes, and is listed meanwhile', async (bus, isOn) => {
    await using of = await subject({ bus, isOn });
    const before = await of.seen();
    const { publish } = await attached(of);
    await publish();
    const disks = await list(of.vm);
    expect(disks).toMatchObject([
      { vm: of.vm, disk: 'disk-0', run: runId, capacity_bytes: 2 * MiB, problem: null, id: expect.any(String) },
      { vm: of.vm, disk: 'disk-1', problem: null },
    ]);
    expect(disks[0]?.attached).not.toBeNull();
    for (const { id, address } of disks) {
      expect(address).toMatch(new RegExp(`^${bus}:[svh]d[bc]$`));
      expect(await of.xml()).toContain(`<serial>${id}</serial>`);
      expect(await of.xml('--inactive')).toContain(`<serial>${id}</serial>`);
    }
    await expect(attached(of, `${runId}-2`)).rejects.toMatchObject({ code: 'file.exists' });
    const [first = '', second = ''] = disks.map(({ id }) => id);
    expect((await detach([first])).removed).toMatchObject([{ disk: 'disk-0' }]);
    expect(await list(of.vm)).toMatchObject([{ disk: 'disk-1' }]);
    expect((await detach([second])).removed).toHaveLength(1);
    expect(await of.seen()).toEqual(before);
    expect(await detach([second])).toEqual({ removed: [], forgotten: [] });
  });

  test('a VM that runs and has no such controller, none of that name, and no libvirt: nothing is made', async () => {
    await using of = await subject({ bus: 'sata' });
    const refused = async (to: object, text: string): Promise<void> => {
      const { request } = of;
      const other = { ...of, request: { ...request, to: { ...request.to, ...to } } };
      await expect(attached(other)).rejects.toMatchObject({
        code: 'target.unfit',
        message: expect.stringContaining(text) as string,
      });
    };
    await refused({}, 'neither SCSI nor virtio');
    await refused({ attachKvm: '--all; rm' }, `has no VM --all; rm; VMs there: `);
    await refused(
      { libvirt: 'qemu:///system?socket=/nowhere' },
      'libvirt does not answer at qemu:///system?socket=/nowhere',
    );
    await refused({ folder: '/tmp/a\nb' }, 'control characters');
    expect(await readdir(of.folder)).toEqual([]);
    await using deaf = await subject({ bus: 'virtio', acpi: false });
    await expect(attached(deaf)).rejects.toMatchObject({
      message: expect.stringContaining('no free PCI port') as string,
    });
    expect(await readdir(deaf.folder)).toEqual([]);
  });

  test('a VM with a hostile name gets its own disk', async () => {
    const name = `--config $(id) 'x" & <y>${++number}`;
    await using of = await subject({ name });
    const { publish } = await attached(of);
    await publish();
    const disks = await list(name);
    expect(disks).toMatchObject([{ vm: name, problem: null }, { vm: name }]);
    await detach(disks.map(({ id }) => id));
    expect(await list(name)).toEqual([]);
  });

  test('what is not as its mark says stays, and its mark goes with forget', async () => {
    await using of = await subject();
    const { publish } = await attached(of);
    await publish();
    const [first, second] = await list(of.vm);
    if (!first || !second) throw new Error('two disks');
    // A second VM has one of them.
    const own = join(of.folder, 'other.raw');
    await rawDisk(own, MiB, []);
    const other = `other${number}`;
    await libvirt.virsh(
      'define',
      await domainFile(join(of.folder, 'o.xml'), {
        vm: other,
        uuid: randomUUID(),
        bus: 'scsi',
        own: second.file ?? '',
      }),
    );
    try {
      await expect(detach([first.id, second.id])).rejects.toMatchObject({
        code: 'target.unfit',
        message: expect.stringContaining(`the VM ${other} has it, too`) as string,
      });
      expect(await list(of.vm)).toHaveLength(2);
      const done = await detach([first.id, second.id], true);
      expect([done.removed.length, done.forgotten.length]).toEqual([1, 1]);
    } finally {
      await libvirt.virsh('undefine', other);
    }
    expect(await exists(second.file ?? '')).toBe(true);
    expect(await of.xml()).toContain(second.id);
    expect(await list(of.vm)).toEqual([]);
  });

  test('two that attach the same disks at once: one does, and the other says so and leaves nothing', async () => {
    await using of = await subject();
    const before = await of.seen();
    const [one, other] = [await attached(of, `${runId}-a`), await attached(of, `${runId}-b`)];
    const done = await Promise.allSettled([one.publish(), other.publish()]);
    expect(done.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const failed = done[0].status === 'rejected' ? one : other;
    const reason = done.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(reason.reason).toMatchObject({
      code: 'file.exists',
      message: expect.stringContaining('it has that disk of the restore point already, as sd') as string,
    });
    await attachKvmTarget.undoPublish(failed.names as never, failed.remembered);
    await attachKvmTarget.undoWrite(failed.claim, failed.remembered);
    expect(await list(of.vm)).toMatchObject([
      { disk: 'disk-0', problem: null },
      { disk: 'disk-1', problem: null },
    ]);
    // And two that detach them.
    const ids = await allOf(of.vm);
    await Promise.all([detach(ids), detach(ids)]);
    expect(await of.seen()).toEqual(before);
  });

  test('two that attach different disks to a VM at once both do, and detach goes on beside an attach', async () => {
    await using of = await subject();
    const before = await of.seen();
    const [first, second] = of.request.disks.map((disk) => ({ ...of, request: { ...of.request, disks: [disk] } }));
    if (!first || !second) throw new Error('two disks');
    const [one, other] = [await attached(first, `${runId}-a`), await attached(second, `${runId}-b`)];
    await Promise.all([one.publish(), other.publish()]);
    const disks = await list(of.vm);
    expect(disks.map(({ address }) => address).toSorted()).toEqual(['scsi:sdb', 'scsi:sdc']);
    const [gone, stays] = disks;
    if (!gone || !stays) throw new Error('two disks');
    await detach([stays.id]);
    const again = await attached(stays.disk === 'disk-0' ? first : second, `${runId}-c`);
    await Promise.all([again.publish(), detach([gone.id])]);
    expect(await list(of.vm)).toMatchObject([{ disk: stays.disk, problem: null }]);
    await detach(await allOf(of.vm));
    expect(await of.seen()).toEqual(before);
  });

  test('a guest that does not let go keeps the disk and its file; when the VM is off, it goes', async () => {
    await using of = await subject({ bus: 'virtio' });
    await (await attached(of)).publish();
    const ids = await allOf(of.vm);
    for (let times = 0; times < 2; times++)
      await expect(detachKvm({ uri: libvirt.uri, ids, forget: false, timeoutMs: 500 })).rejects.toMatchObject({
        code: 'target.busy',
        message: expect.stringContaining(`the guest of the VM ${of.vm} does not let go of vdb`) as string,
      });
    for (const { file, problem } of await list(of.vm))
      expect([await exists(file ?? ''), problem]).toEqual([true, null]);
    await libvirt.virsh('destroy', of.uuid);
    expect((await detach(ids)).removed).toHaveLength(2);
    expect(await readdir(of.folder)).toEqual([]);
  });

  test('what could want the file later keeps it: a snapshot, a saved VM, a program that has it open', async () => {
    await using of = await subject();
    await (await attached(of)).publish();
    const ids = await allOf(of.vm);
    const refused = async (why: string): Promise<void> => {
      expect((await list(of.vm)).map(({ problem }) => problem)).toEqual(
        ids.map(() => expect.stringContaining(why) as string),
      );
      await expect(detach(ids)).rejects.toMatchObject({
        code: 'target.unfit',
        message: expect.stringContaining(why) as string,
      });
    };
    const name = `--before; "it" <é&${number}>`;
    await libvirt.virsh(
      'snapshot-create-as',
      of.uuid,
      `--name=${name}`,
      '--disk-only',
      '--diskspec',
      `sda,file=${of.folder}/s`,
    );
    await refused(`it is in the snapshot ${name}`);
    await libvirt.virsh('snapshot-delete', of.uuid, `--snapshotname=${name}`, '--metadata');
    await libvirt.virsh('managedsave', of.uuid);
    await refused('the VM is saved with it');
    const { request } = of;
    const other = { ...of, request: { ...request, disks: request.disks.slice(0, 1) } };
    await libvirt.virsh('start', of.uuid);
    const [first = ''] = ids;
    await detach([first]);
    await libvirt.virsh('managedsave', of.uuid);
    await expect(attached(other, `${runId}-2`)).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining(`the VM ${of.vm} is saved`) as string,
    });
    await libvirt.virsh('start', of.uuid);
    const [held] = await list(of.vm);
    const reader = execa('flock', [held?.file ?? '', 'cat'], { stdin: 'pipe' });
    await expect.poll(() => lockedFiles([held?.file ?? '']).then(({ length }) => length)).toBe(1);
    await expect(detach([held?.id ?? ''])).rejects.toMatchObject({
      code: 'target.busy',
      message: expect.stringContaining(`a program has ${held?.file ?? ''} open`) as string,
    });
    expect(await list(of.vm)).toMatchObject([{ address: null, problem: null }]);
    reader.stdin.end();
    await reader;
    await detach([held?.id ?? '']);
    expect(await readdir(of.folder)).toEqual(['s']);
  });

  test('a VM that somebody has removed meanwhile: nothing stays, and what it had before can be removed', async () => {
    await using gone = await subject({ isOn: false });
    const { publish, claim, names, remembered } = await attached(gone);
    await libvirt.virsh('undefine', gone.uuid);
    await expect(publish()).rejects.toMatchObject({ code: 'target.unfit' });
    expect(await attachKvmTarget.isPublished(names as never, remembered)).toBe(false);
    await attachKvmTarget.undoPublish(names as never, remembered);
    await attachKvmTarget.undoWrite(claim, remembered);
    expect(await readdir(gone.folder)).toEqual([]);

    await using of = await subject();
    await (await attached(of)).publish();
    await libvirt.virsh(`destroy ${of.uuid}; undefine ${of.uuid}`);
    // Beside the disks of another VM that is there.
    await using beside = await subject({ isOn: false });
    const here = join(beside.folder, '..');
    await execa('cp', ['-a', join(of.folder, folderName(runId)), here]);
    await rm(join(of.folder, folderName(runId)), { recursive: true });
    const left = await list(of.vm);
    expect(left).toMatchObject([{ vm: of.vm, address: null, problem: null }, { address: null }]);
    await detach(left.map(({ id }) => id));
    expect(await exists(join(here, folderName(runId)))).toBe(false);
  });
});

async function domainFile(
  file: string,
  {
    vm,
    uuid,
    bus,
    own,
    acpi = true,
  }: {
    readonly vm: string;
    readonly uuid: string;
    readonly bus: string;
    readonly own: string;
    readonly acpi?: boolean;
  },
): Promise<string> {
  const escaped = vm.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const letter = { virtio: 'vd', ide: 'hd' }[bus] ?? 'sd';
  await writeFile(
    file,
    [
      `<domain type="qemu"><name>${escaped}</name><uuid>${uuid}</uuid><memory unit="MiB">32</memory><vcpu>1</vcpu>`,
      // Whoever describes a VM decides nothing about it.
      `<description>\nState:          shut off\nPersistent:     no\nsendense-looks-at ${uuid}\n</description>`,
      '<os><type arch="x86_64" machine="pc">hvm</type></os>',
      `<features>${acpi ? '<acpi/>' : ''}</features><devices>`,
      ...(bus === 'scsi' ? ['<controller type="scsi" index="0" model="virtio-scsi"/>'] : []),
      `<disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="${own}"/>`,
      `<target dev="${letter}a" bus="${bus}"/></disk>`,
      '<memballoon model="none"/></devices></domain>',
    ].join('\n'),
  );
  return file;
}

const devices = (more: Partial<DomainDevices>): DomainDevices => ({
  disks: [],
  hasScsi: false,
  freePorts: null,
  ...more,
});
const look = (live: DomainDevices | null, config: DomainDevices | null): DomainLook => ({
  uuid: 'u',
  name: 'web1',
  live,
  config,
  isSaved: false,
});
const own = (name: string, bus: string) => ({ file: '/a', device: 'disk', name, bus, serial: null, alias: null });

test('a disk goes behind all others, on a bus that the guest knows', () => {
  const scsi = devices({ hasScsi: true, disks: [own('sda', 'scsi'), own('sdz', 'scsi')] });
  expect(freePlaces(look(scsi, devices({ disks: [own('sdab', 'sata')] })), 2)).toEqual([
    { bus: 'scsi', name: 'sdac' },
    { bus: 'scsi', name: 'sdad' },
  ]);
  expect(freePlaces(look(null, devices({ disks: [own('vdb', 'virtio')] })), 1)).toEqual([
    { bus: 'virtio', name: 'vdc' },
  ]);
  expect(freePlaces(look(null, devices({})), 1)).toEqual([{ bus: 'sata', name: 'sda' }]);
  const full = devices({ disks: [own('hdd', 'ide')] });
  expect(() => freePlaces(look(null, full), 1)).toThrow('no free place');
  const q35 = devices({ disks: [own('vda', 'virtio')], freePorts: 1 });
  expect(freePlaces(look(q35, null), 1)).toEqual([{ bus: 'virtio', name: 'vdb' }]);
  expect(() => freePlaces(look(q35, null), 2)).toThrow('no free PCI port that takes a disk');
  expect(['sda', 'sdz', 'sdaa', 'vda'].map((name) => numberOf(name, 'sd'))).toEqual([0, 25, 26, -1]);
});

test('the free ports of a q35 are counted', () => {
  const port = (index: number) => `<controller type='pci' index='${index}' model='pcie-root-port'/>`;
  const xml = `<domain><devices><controller type='pci' index='0' model='pcie-root'/>${port(1)}${port(2)}
    <disk device='disk'><target dev='vda' bus='virtio'/><serial>007</serial><address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></disk>
    </devices></domain>`;
  expect(devicesIn(xml)).toEqual({
    disks: [{ file: null, device: 'disk', name: 'vda', bus: 'virtio', serial: '007', alias: null }],
    hasScsi: false,
    freePorts: 1,
  });
  expect(devicesIn('<domain/>').disks).toEqual([]);
  const pc = (features: string) =>
    devicesIn(`<domain><os><type arch='x86_64' machine='pc'>hvm</type></os>${features}</domain>`).freePorts;
  expect([pc(''), pc('<features/>'), pc('<features><acpi/></features>')]).toEqual([0, 0, null]);
});

test('a mark that says something else of a disk than its serial number counts as none', () => {
  const domain = { uuid: '11111111-2222-4333-8444-555555555555', name: 'web1' };
  const serial = serialOf('run-1', 'disk-0', domain.uuid);
  expect(serial).toMatch(/^sendense-[0-9a-f]{11}$/);
  const mark = {
    format: 'sendense-attached/1' as const,
    run: 'run-1',
    point: 'p',
    of: 'web',
    domain,
    attached: 1,
    disks: [{ disk: 'disk-0', file: 'disk-0.qcow2', serial, bytes: 1 }],
  };
  expect(markIn(markText(mark))).toEqual(mark);
  for (const change of [
    { run: 'run-2' },
    { domain: { ...domain, uuid: domain.uuid.replace('1', '2') } },
    { format: 'x' },
  ])
    expect(markIn(JSON.stringify({ ...mark, ...change }))).toBeNull();
  expect(markIn(JSON.stringify({ ...mark, disks: [{ ...mark.disks[0], file: '../disk-0.qcow2' }] }))).toBeNull();
  expect(markIn('{')).toBeNull();
  expect(markFile).toBe('sendense-attached.json');
});
