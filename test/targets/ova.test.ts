import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { compareImages } from '../../src/host/images/qemu-img.ts';
import type { RestoredPoint, VmConfig } from '../../src/schemas/types.ts';
import { ovaTarget } from '../../src/targets/ova/ova-target.ts';
import type { RestoreRun, TargetKind, TargetType, ToOf } from '../../src/targets/target-kind.ts';
import { pointDisks, savedCard, savedConfig, savedController, savedDisk } from '../machines/saved-config.ts';
import { MiB, workshop } from '../node/support.ts';
import { canMount } from '../support/loop-mount.ts';
import { smallDisk } from '../support/small-disk.ts';
import { readBy7zip } from './read-by-7zip.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';
import { targetChecks, type TargetSubject } from './target-checks.ts';

/** One of its own for each process: a run has a folder for its servers, and kinds of targets are tested side by side. */
const ownRun = `run-of-${process.pid}`;

type Areas = readonly (readonly [offset: number, length: number])[];
interface Disk {
  readonly size: number;
  readonly data: Areas;
}

/** The second has nothing, and neither has whole grains alone. */
const small: readonly Disk[] = [
  {
    size: MiB + 1024,
    data: [
      [65_536, 200_000],
      [MiB, 1024],
    ],
  },
  { size: MiB / 2, data: [] },
];

async function ova(
  to: Partial<ToOf<'ova'>>,
  config: VmConfig | null,
  shapes: readonly Disk[] = small,
): Promise<TargetSubject<'ova'>> {
  const at = await workshop();
  const planFolder = at.path('plans');
  await mkdir(planFolder);
  const raw = await Promise.all(shapes.map(({ size, data }, index) => rawDisk(at.path(`${index}.raw`), size, data)));
  const { disks, contents, from } = await restoredDisks(at, raw, {
    vm_config: await saved(at.path('vm-config'), config),
  });
  return {
    kind: ovaTarget as TargetKind<'ova', object, object>,
    request: { to: { ova: './out/deep/vm.ova', ...to }, disks, from },
    planFolder,
    contents,
    mayHoldRepository: true,
    seen: async () => (await readdir(planFolder, { recursive: true })).toSorted(),
    occupy: async ([written]) => {
      const file = written?.file ?? '';
      await writeFile(file, 'theirs');
      return async () => (await readFile(file, 'utf8')) === 'theirs';
    },
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

async function saved(file: string, config: VmConfig | null): Promise<RestoredPoint['vm_config']> {
  if (config === null) return null;
  const text = JSON.stringify(config);
  await writeFile(file, text);
  return { file, sha256: createHash('sha256').update(text).digest('hex'), encryption: null };
}

describe('an OVA file as a target', () => {
  test.each(Object.entries(targetChecks))('%s', async (_title, check) => {
    await using subject = await ova({}, savedConfig());
    await check(subject as unknown as TargetSubject<TargetType>);
  });
});

const facts = (subject: TargetSubject<'ova'>, runId: string) => ({
  runId,
  stepId: 'write',
  planFolder: subject.planFolder,
});

function runOf(subject: TargetSubject<'ova'>, runId = ownRun): RestoreRun & { readonly said: string[] } {
  const said: string[] = [];
  return {
    ...facts(subject, runId),
    said,
    signal: new AbortController().signal,
    log: (line) => void said.push(line),
    progress: () => undefined,
    remember: () => undefined,
  };
}

async function made(subject: TargetSubject<'ova'>, name: string): Promise<{ file: string; said: string[] }> {
  const request = { ...subject.request, to: { ...subject.request.to, ova: `./${name}` } };
  const run = runOf(subject, `run-${name}`);
  const { files } = await ovaTarget.write(
    request,
    ovaTarget.claim(request.to, request.disks, facts(subject, run.runId)),
    run,
  );
  await ovaTarget.publish(ovaTarget.claimNames(files), { ...run, disks: request.disks, from: request.from });
  return { file: join(subject.planFolder, name), said: run.said };
}

interface Judged {
  readonly names: string[];
  readonly disks: { readonly file: string; readonly capacity: number; readonly populated: number }[];
  readonly networks: readonly unknown[];
}

/** As other programs read it. */
async function judged(subject: TargetSubject<'ova'>, file: string): Promise<Judged> {
  const folder = join(subject.planFolder, `${basename(file)}.content`);
  await mkdir(folder);
  const { stdout } = await execa('/usr/bin/python3', [join(import.meta.dirname, 'judge-ova.py'), file, folder]);
  const found = JSON.parse(stdout) as Judged;
  for (const { file: name } of found.disks) {
    const number = Number(/-disk-([0-9]+)\.vmdk$/.exec(name)?.[1]);
    const raw = join(folder, `${number}.raw`);
    await writeFile(raw, subject.contents[number] ?? '');
    const disk = { file: join(folder, name), format: 'vmdk' };
    expect(await compareImages(disk, { file: raw, format: 'raw' }), name).toBe(true);
    expect((await readBy7zip(disk.file, 'vmdk')).equals(subject.contents[number] ?? Buffer.alloc(0)), name).toBe(true);
  }
  return found;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const nvram = Buffer.from('the firmware remembers');
const shop: readonly Disk[] = [
  // More than one table of grains, with one between them that is empty.
  {
    size: 97 * MiB,
    data: [
      [0, 65_536],
      [31 * MiB + 100, 2 * MiB],
      [96 * MiB + 512, 512],
    ],
  },
  ...Array.from({ length: 5 }, () => ({ size: MiB, data: [[0, 512]] as Areas })),
];
const uuids = pointDisks(shop.length).map(({ uuid }) => uuid);
const types = ['VirtualLsiLogic', 'VirtualLsiLogicSAS', 'VirtualAHCI', 'VirtualNVME', 'VirtualIDE'];
const manyThings = savedConfig({
  name: 'pg <test> & "1"',
  annotation: 'first line\n]]> &amp; <Annotation>\u0001\ud800 ü',
  firmware: 'efi',
  secure_boot: true,
  guest_id: 'debian12_64Guest',
  cpu: { ...savedConfig().cpu, count: 6, cores_per_socket: 3 },
  memory: { ...savedConfig().memory, bytes: 3 * 2 ** 30 },
  controllers: types.map((type, index) =>
    savedController(1000 + index, `${type}Controller`, index === 0 ? 2 : index === 1 ? 0 : 1),
  ),
  disks: uuids.map((uuid, index) =>
    savedDisk(index, {
      uuid,
      controller_key: 1000 + Math.min(index, 4),
      unit: index === 5 ? 1 : index === 4 ? 0 : index + 3,
    }),
  ),
  networks: [
    savedCard({ network: 'A & "B" <c>' }),
    savedCard({ network: 'A & "B" <c>', type: 'VirtualE1000e', start_connected: false }),
    savedCard({ network: null, type: 'VirtualPCNet32' }),
  ],
  nvram: { file: '[ds] a/../../etc.nvram', sha256: sha256(nvram), base64: nvram.toString('base64') },
  security: { ...savedConfig().security, tpm: true },
});

test('other programs read the VM, its disks and its digests from it, and another run writes the same bytes', async () => {
  await using subject = await ova({}, manyThings, shop);
  const first = await made(subject, 'a.ova');
  const { names, disks, networks, ...vm } = await judged(subject, first.file);
  const disk = (number: number): string => `pg_test_1_-disk-${number}.vmdk`;
  expect(names).toEqual([
    'pg_test_1_.ovf',
    'pg_test_1_.mf',
    ...uuids.map((_, number) => disk(number)),
    'pg_test_1_.nvram',
  ]);
  expect(vm).toEqual({
    name: 'pg_test_1_',
    times: [1_795_310_330],
    annotation: 'first line\n]]> &amp; <Annotation>\ufffd ü',
    guestId: 'debian12_64Guest',
    hardware: 'vmx-19',
    cpus: 6,
    cores: 3,
    memory: 3072,
    config: { 'firmware': 'efi', 'bootOptions.efiSecureBootEnabled': 'true' },
    extra: { nvram: 'pg_test_1_.nvram' },
  });
  expect(networks).toEqual([
    ['A & "B" <c>', 'VmxNet3', 'true'],
    ['A & "B" <c>', 'E1000e', 'false'],
    ['Network 3', 'PCNet32', 'true'],
  ]);
  const places = disks.map((one) =>
    Object.values({ ...one, capacity: one.capacity / MiB, populated: one.populated / 65_536 }),
  );
  expect(places.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual([
    [disk(0), 97, 35, 'lsilogic', '6', '2', '3'],
    [disk(1), 1, 1, 'lsilogicsas', '6', '0', '4'],
    [disk(2), 1, 1, 'vmware.sata.ahci', '20', '1', '5'],
    [disk(3), 1, 1, 'vmware.nvme.controller', '20', '1', '6'],
    [disk(4), 1, 1, null, '5', '1', '0'],
    [disk(5), 1, 1, null, '5', '1', '1'],
  ]);
  expect(first.said).toEqual([expect.stringContaining('virtual TPM was not saved')]);
  const second = await made(subject, 'b.ova');
  expect((await readFile(second.file)).equals(await readFile(first.file))).toBe(true);
});

test('places that no VM can have are not taken over, and each disk gets one of its own', async () => {
  const config = savedConfig({
    controllers: [
      savedController(1000, 'ParaVirtualSCSIController', 9),
      savedController(1001, 'VirtualLsiLogicController', 1),
    ],
    disks: [0, 1, 2, 3].map((number) =>
      savedDisk(number, {
        uuid: uuids[number] ?? '',
        controller_key: number === 0 ? 1000 : 1001,
        unit: number === 3 ? 3 : 7 + (number % 2) * -4,
      }),
    ),
    hardware_version: 'vmx-19" x="',
    guest_id: 'a b',
    nvram: { file: 'x', sha256: sha256(nvram), base64: 'AAAA' },
  });
  await using subject = await ova({}, config, shop.slice(1, 5));
  const { file, said } = await made(subject, 'a.ova');
  const { disks } = await judged(subject, file);
  expect(disks.map((one) => Object.values(one).slice(3).join(' '))).toEqual([
    'lsilogic 6 1 3',
    ...[0, 1, 2].map((unit) => `vmware.sata.ahci 20 0 ${unit}`),
  ]);
  expect(said.join('; ')).toMatch(
    /firmware are damaged.*guest is not known.*vmx-13.*disk-0 has no place.*disk-2 has no place/,
  );
});

describe('where no configuration was saved', () => {
  test('it is said what is missing, and nothing is made', async () => {
    await using subject = await ova({}, null);
    const before = await subject.seen();
    const claim = ovaTarget.claim(subject.request.to, subject.request.disks, facts(subject, ownRun));
    for (const attempt of [
      () => ovaTarget.assertFree(subject.request, claim),
      () => ovaTarget.write(subject.request, claim, runOf(subject)),
    ])
      await expect(attempt()).rejects.toMatchObject({
        code: 'machine.unknown',
        message: expect.stringMatching(/missing: memory, cpus/) as string,
        remedy: expect.stringContaining('--memory') as string,
      });
    expect(await subject.seen()).toEqual(before);
  });

  test('the plan may say it', async () => {
    await using subject = await ova({ memory: '2GiB', cpus: 2, firmware: 'efi', guestId: 'debian12_64Guest' }, null);
    const { file } = await made(subject, 'a.ova');
    expect(await judged(subject, file)).toMatchObject({
      name: 'pgtest1',
      memory: 2048,
      cpus: 2,
      guestId: 'debian12_64Guest',
      config: { firmware: 'efi' },
      networks: [],
    });
  });
});

test('a file that was changed after it was written is not what its manifest says', async () => {
  await using subject = await ova({}, savedConfig());
  const claim = ovaTarget.claim(subject.request.to, subject.request.disks, facts(subject, ownRun));
  const { files } = await ovaTarget.write(subject.request, claim, runOf(subject));
  const bytes = await readFile(claim.temporary);
  for (const [at, what] of [
    [600, 'pgtest1.ovf in the OVA does not have the digest'],
    [bytes.length - 1024 - 600, 'pgtest1-disk-1.vmdk in the OVA does not have the digest'],
    [10, 'the archive is damaged'],
  ] as const) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    await writeFile(claim.temporary, damaged);
    const [written, disk] = [files[1], subject.request.disks[1]];
    if (!written || !disk) throw new Error('there are two disks');
    const reading = { folderId: `${ownRun}-read`, key: null, signal: new AbortController().signal };
    await expect(ovaTarget.readBack?.(written, disk, reading), what).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringContaining(what) as string,
    });
  }
  await ovaTarget.undoWrite(claim, {});
});

test.skipIf(!canMount)('where the disk is full, it is said, and the part goes', async () => {
  await using subject = await ova({}, savedConfig(), [{ size: 8 * MiB, data: [[0, 8 * MiB]] }]);
  await using _disk = await smallDisk(join(subject.planFolder, 'out'), 'size=2m');
  const claim = ovaTarget.claim(subject.request.to, subject.request.disks, facts(subject, ownRun));
  const run = runOf(subject);
  await expect(ovaTarget.write(subject.request, claim, run)).rejects.toMatchObject({ code: 'disk.full' });
  expect(run.said.join()).toMatch(/the OVA may be too large/);
  await ovaTarget.undoWrite(claim, {});
  expect(await readdir(join(subject.planFolder, 'out'))).toEqual(['deep']);
});
