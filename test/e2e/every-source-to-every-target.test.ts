/** Restore points of every kind of source go to every kind of target, each in all its ways, and are compared to the byte by two tools. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttachedOutput } from '../../src/schemas/types.ts';
import type { SourceType } from '../../src/sources/source-kind.ts';
import type { TargetType } from '../../src/targets/target-kind.ts';
import { ownLibvirtd, type OwnLibvirtd } from '../host/libvirt/own-libvirtd.ts';
import { startCarrier } from '../host/libvirt/start-carrier.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { canAttach, loopDevice } from '../support/loop-device.ts';
import { randomBytes } from '../support/random.ts';
import { readBy7zip } from '../targets/read-by-7zip.ts';
import { guestWorks, MiB, pgtest1, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import { backupPlan, makeRaw, writeAt } from './workspace.ts';

const timeout = 600_000;
const hasLibvirt =
  canAttach && existsSync('/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so');

let at: VsphereWorkspace;
let libvirt: OwnLibvirtd | undefined;
/** It is in vSphere, and gets disks. */
let carrier: SimulatedVm;
let pgtest: SimulatedVm;

/** A VM with a full and an incremental backup. */
interface Subject {
  readonly vm: string;
  /** Raw disks as they were when the last backup was made. */
  readonly truth: readonly string[];
  /** What says of its hardware what was not saved. */
  readonly hardware: readonly string[];
}

const path = (...names: string[]): string => at.work.path(...names);

async function backUp(plan: string): Promise<void> {
  const { exitCode, stderr } = await at.run(plan);
  if (exitCode !== 0) throw new Error(stderr);
}

/** Keeps raw disks as they are. */
async function keep(vm: string, files: readonly string[]): Promise<string[]> {
  const kept = files.map((_, disk) => path(`${vm}-${disk}.truth`));
  await Promise.all(kept.map((file, disk) => copyFile(files[disk] ?? '', file)));
  return kept;
}

/** Each kind of source, and how a VM of it gets its restore points. */
const sources: { readonly [S in SourceType]: () => Promise<Subject> } = {
  async image() {
    const disks = ['a.raw', 'b.raw'];
    // 7-Zip reads no VHDX of an odd number of sectors.
    await makeRaw(path('a.raw'), 3 * MiB + 1024, [[0, MiB + 4096]]);
    await makeRaw(path('b.raw'), 5 * MiB, [[4 * MiB - 512, 100_000]]);
    await at.work.write('images.yaml', backupPlan(disks).replaceAll('pgtest1', 'web1'));
    await backUp('images.yaml');
    await writeAt(path('a.raw'), [3 * MiB, randomBytes(512)], [4096, Buffer.alloc(70_000)]);
    await backUp('images.yaml');
    const truth = await keep(
      'web1',
      disks.map((disk) => path(disk)),
    );
    return { vm: 'web1', truth, hardware: ['--memory', '64MiB', '--cpus', '1'] };
  },
  async vsphere() {
    pgtest = await at.vcenter.addVm(pgtest1);
    await at.plan('nightly.yaml', pgtest);
    await backUp('nightly.yaml');
    await guestWorks(pgtest);
    await backUp('nightly.yaml');
    const truth = await keep(
      'pgtest1',
      pgtest.disks.map(({ flatFile }) => flatFile),
    );
    return { vm: 'pgtest1', truth, hardware: [] };
  },
};

const subjects = new Map<string, Subject>();

beforeAll(async () => {
  at = await vsphereWorkspace();
  for (const [type, make] of Object.entries(sources)) subjects.set(type, await make());
  carrier = await at.vcenter.addVm({ name: 'carrier', disks: [{ capacity: MiB }] });
  if (!hasLibvirt) return;
  libvirt = await ownLibvirtd();
  await makeRaw(path('own.raw'), MiB, []);
  await startCarrier(libvirt, 'carrier', path('own.raw'));
}, timeout);
afterAll(async () => {
  await libvirt?.[Symbol.asyncDispose]();
  await at?.[Symbol.asyncDispose]();
});

/** A restored disk, read by two tools that share no line. */
interface Restored {
  readonly first: () => Promise<Buffer>;
  readonly second: () => Promise<Buffer>;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A raw file or device: by Node, and by `head`. */
const raw = (file: string, bytes?: number): Restored => ({
  first: async () => (await readFile(file)).subarray(0, bytes),
  second: async () => {
    const { stdout } = await execa('head', ['-c', String(bytes ?? (await stat(file)).size), file], {
      encoding: 'buffer',
      stripFinalNewline: false,
    });
    return Buffer.from(stdout);
  },
});

/** An image: by QEMU, and by 7-Zip. */
const image = (file: string, format: 'qcow' | 'vmdk' | 'vhdx'): Restored => ({
  async first() {
    const out = path(`again-${basename(file)}`);
    await execa('qemu-img', ['convert', '-U', '-O', 'raw', file, out]);
    const bytes = await readFile(out);
    await rm(out);
    return bytes;
  },
  second: () => readBy7zip(file, format),
});

/** One way of a target: what is typed, and where the disks are then. */
interface Way {
  readonly way: string;
  readonly needs?: boolean;
  /** What is said of a kind of source that cannot go there, before anything is made. */
  readonly refuses?: Partial<Record<SourceType, RegExp>>;
  /** The disks that go there, by their numbers; default: all. */
  readonly only?: readonly number[];
  /** @param out a path that is not there yet */
  restore(of: Subject, out: string): Promise<{ readonly exitCode: number; readonly stderr: string }>;
  /** What is there now. */
  disks(of: Subject, out: string): Promise<readonly Restored[]>;
  /** Takes back what other rows would stumble over. */
  after?(of: Subject): Promise<void>;
}

const restore = (of: Subject, to: string, ...words: readonly string[]) =>
  at.work.call(['restore', of.vm, '--to', to, ...words]);
const numbers = (of: Subject): number[] => of.truth.map((_, number) => number);

const inFolder = (
  format: string,
  read: (file: string) => Restored,
  extension = format,
  more: readonly string[] = [],
): Way => ({
  way: [format, ...more].join(' '),
  restore: (of, out) => restore(of, out, '--format', format, ...more),
  disks: async (of, out) => numbers(of).map((number) => read(`${out}/disk-${number}.${extension}`)),
});

const devices = new AsyncDisposableStack();
let attached: readonly string[] = [];

/** Each kind of target in all its ways. */
const targets: { readonly [T in TargetType]: readonly Way[] } = {
  directory: [
    inFolder('raw', raw),
    inFolder('qcow2', (file) => image(file, 'qcow')),
    inFolder('vmdk', (file) => image(file, 'vmdk')),
    inFolder('vmdk-stream', (file) => image(file, 'vmdk'), 'vmdk'),
    inFolder('vhdx', (file) => image(file, 'vhdx')),
  ],
  device: [
    {
      way: 'block devices',
      needs: canAttach,
      async restore(of, out) {
        await mkdir(out);
        const made = of.truth.map(async (file, disk) => {
          const bytes = (Math.ceil((await stat(file)).size / MiB) + 1) * MiB;
          return devices.use(await loopDevice(`${out}/${disk}`, bytes)).path;
        });
        attached = await Promise.all(made);
        return restore(of, `device:${attached.map((device, disk) => `disk-${disk}=${device}`).join(',')}`);
      },
      disks: (of) =>
        Promise.all(of.truth.map(async (file, disk) => raw(attached[disk] ?? '', (await stat(file)).size))),
    },
  ],
  ova: [
    {
      way: 'a file',
      restore: (of, out) => restore(of, `ova:${out}.ova`, ...of.hardware),
      async disks(_of, out) {
        await mkdir(out);
        await execa('tar', ['-xf', `${out}.ova`, '-C', out]);
        const files = (await readdir(out)).filter((name) => name.endsWith('.vmdk')).toSorted();
        return files.map((name) => image(`${out}/${name}`, 'vmdk'));
      },
    },
  ],
  kvm: [
    {
      way: 'a folder with what starts it',
      restore: (of, out) => restore(of, `kvm:${out}`, '--libvirt', 'none', ...of.hardware),
      disks: async (of, out) => numbers(of).map((number) => image(`${out}/disk-${number}.qcow2`, 'qcow')),
    },
  ],
  vsphere: [
    {
      way: 'a new VM',
      refuses: { image: /machine.unknown: no configuration of the VM was saved/ },
      restore: (of) => restore(of, 'vsphere:test-vcenter', '--name', `${of.vm}-new`),
      disks: async (of) =>
        ((await at.vcenter.findVm(`${of.vm}-new`))?.disks ?? []).map(({ flatFile }) => raw(flatFile)),
    },
  ],
  inPlace: [
    {
      way: 'the VM itself',
      refuses: { image: /machine.unknown: the restore point does not say which VM it was made of/ },
      async restore(of) {
        if (of.vm === 'pgtest1') {
          await guestWorks(pgtest);
          await pgtest.power('off');
        }
        return restore(of, 'vsphere:test-vcenter', '--in-place', '--no-safety-backup');
      },
      disks: async () => pgtest.disks.map(({ flatFile }) => raw(flatFile)),
    },
  ],
  attach: [
    {
      way: 'one more disk of a VM in vSphere',
      only: [1],
      restore: (of) =>
        at.work.call(['attach', of.vm, '--disk', '1', '--to', 'vsphere:test-vcenter', '--vm', 'carrier']),
      async disks() {
        await carrier.snapshots();
        return [raw(carrier.disks[1]?.flatFile ?? '')];
      },
      async after() {
        const gone = await at.work.call(['detach', 'carrier', '--from', 'vsphere:test-vcenter', '--yes']);
        expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
      },
    },
  ],
  attachKvm: [
    {
      way: 'one more disk of a VM of libvirt',
      needs: hasLibvirt,
      only: [1],
      restore: (of) =>
        at.work.call([
          'attach',
          of.vm,
          '--disk',
          '1',
          '--to',
          'kvm:carrier',
          ...libvirtWords(),
          '--folder',
          path('images'),
        ]),
      async disks() {
        const { stdout } = await at.work.call(['attach', 'list', 'kvm:', ...libvirtWords(), '--json']);
        return (JSON.parse(stdout) as AttachedOutput).disks.map(({ file }) => image(file ?? '', 'qcow'));
      },
      async after() {
        const gone = await at.work.call(['detach', 'carrier', '--from', 'kvm:', ...libvirtWords(), '--yes']);
        expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
      },
    },
  ],
};

const libvirtWords = (): string[] => ['--libvirt', libvirt?.uri ?? ''];

const rows = Object.keys(sources).flatMap((source) =>
  Object.entries(targets).flatMap(([target, ways]) =>
    ways.map((way) => ({ source: source as SourceType, target, ...way })),
  ),
);

describe.each(rows)('$source to $target, $way', (row) => {
  test.skipIf(row.needs === false)('is the same to the byte', { timeout }, () => expectSame(row));
});

async function expectSame(row: (typeof rows)[number]): Promise<void> {
  const { source, target, way, refuses, only } = row;
  const subject = subjects.get(source);
  if (!subject) throw new Error(`no subject of kind ${source}`);
  const out = path(`${source}-${target}-${way.replaceAll(/\W+/g, '-')}`);
  const before = (await at.vcenter.calls()).length;
  const done = await row.restore(subject, out);
  const refusal = refuses?.[source];
  if (refusal) {
    expect(done.exitCode).not.toBe(0);
    expect(done.stderr.replaceAll(/\s+/g, ' ')).toMatch(refusal);
    // Nothing was made.
    const asked = (await at.vcenter.calls()).slice(before).map(({ method }) => method);
    expect(asked.filter((method) => method.endsWith('_Task') || method === 'ImportVApp')).toEqual([]);
    return;
  }
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  const disks = await row.disks(subject, out);
  const truth = subject.truth.filter((_, number) => only?.includes(number) ?? true);
  expect(disks).toHaveLength(truth.length);
  for (const [number, disk] of disks.entries()) {
    const whole = sha256(await readFile(truth[number] ?? ''));
    expect(sha256(await disk.first()), `disk ${number}`).toBe(whole);
    expect(sha256(await disk.second()), `disk ${number} by a second tool`).toBe(whole);
  }
  await row.after?.(subject);
}

afterAll(() => devices.disposeAsync());
