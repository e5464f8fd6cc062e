import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VmConfig } from '../../src/schemas/types.ts';
import { kvmTarget } from '../../src/targets/kvm/kvm-target.ts';
import type { TargetKind, TargetType, ToOf } from '../../src/targets/target-kind.ts';
import { MiB, workshop } from '../node/support.ts';
import { startsAndSays } from '../e2e/start-script.ts';
import { writeInto } from '../host/disk-images.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { savedCard, savedConfig, savedController, savedDisk } from '../machines/saved-config.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { all } from '../support/rounds.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';
import { targetChecks, type TargetSubject } from './target-checks.ts';

/** One of its own for each process: a run has a folder for its servers, and kinds of targets are tested side by side. */
const ownRun = `run-of-${process.pid}`;

const hasLibvirt = existsSync('/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so');

const plainTo: ToOf<'kvm'> = {
  kvm: './out/deep',
  libvirt: 'none',
  connect: false,
  mac: 'new',
  identity: 'new',
  start: false,
};

async function folder(to: Partial<ToOf<'kvm'>> = {}, config: Partial<VmConfig> = {}): Promise<TargetSubject<'kvm'>> {
  const at = await workshop();
  const planFolder = at.path('plans');
  await mkdir(planFolder);
  const raw = [
    await rawDisk(at.path('a.raw'), 2 * MiB, [[65_536, 100_000]]),
    await rawDisk(at.path('b.raw'), MiB, [[8192, 512]]),
  ];
  await writeInto(raw[0] ?? '', [0, bootSector('login: ')]);
  const text = JSON.stringify(savedConfig({ disks: raw.map((_, number) => savedDisk(number)), ...config }));
  await writeFile(at.path('saved.vm-config'), text);
  const saved = {
    file: at.path('saved.vm-config'),
    sha256: createHash('sha256').update(text).digest('hex'),
    encryption: null,
  };
  const { disks, contents, from } = await restoredDisks(at, raw, { vm_config: saved });
  return {
    kind: kvmTarget as TargetKind<'kvm', object, object>,
    request: { to: { ...plainTo, ...to }, disks, from },
    planFolder,
    contents,
    mayHoldRepository: true,
    seen: async () => (await readdir(planFolder, { recursive: true })).toSorted(),
    occupy: async (written) => {
      const [file = ''] = written.map((one) => one.file);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, 'theirs');
      return async () => (await readFile(file, 'utf8')) === 'theirs';
    },
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

describe('a VM for KVM as a target', () => {
  test.each(Object.entries(targetChecks))('%s', async (_title, check) => {
    await using subject = await folder();
    await check(subject as unknown as TargetSubject<TargetType>);
  });

  test('that shall be started is refused where libvirt shall not have it', async () => {
    await using subject = await folder({ start: true });
    await expect(restore(subject)).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('libvirt is `none`') as string,
    });
    expect(await subject.seen()).toEqual([]);
  });
});

/** As a run of that id would, from the claim to the names. */
async function restore({ request, planFolder }: TargetSubject<'kvm'>, runId = ownRun) {
  const run = {
    runId,
    stepId: 'write',
    signal: new AbortController().signal,
    log: () => undefined,
    progress: () => undefined,
    remember: () => undefined,
    disks: request.disks,
    from: request.from,
  };
  const claim = kvmTarget.claim(request.to, request.disks, { ...run, planFolder });
  await kvmTarget.assertFree(request, claim);
  const { files, machine } = await kvmTarget.write(request, claim, run);
  const names = kvmTarget.claimNames(files, machine);
  await kvmTarget.publish(names, run);
  if (!machine || !('libvirt' in machine)) throw new Error('no machine');
  return { folder: claim.directory, machine, names, run };
}

const everyBus = ['ParaVirtualSCSI', 'VirtualLsiLogicSAS', 'VirtualAHCI', 'VirtualNVME', 'VirtualIDE'].map(
  (type) => `${type}Controller`,
);

describe('start.sh', () => {
  // boot-linux.test.ts starts one from each of them by the same words of a command line.
  test.each(all ? everyBus : everyBus.filter((type) => /ParaVirtual|AHCI/.test(type)))(
    'starts a PC from its disk on a %s',
    async (type) => {
      const controllers = [savedController(1000, type)];
      await using subject = await folder({}, { controllers, guest_id: 'windows9Server64Guest' });
      const { folder: at } = await restore(subject);
      await startsAndSays(join(at, 'start.sh'), 'login: ', 250_000);
    },
  );

  test('takes KVM only where a guest gets anywhere with it', async () => {
    await using subject = await folder();
    const { folder: at } = await restore(subject);
    const qemu = join(subject.planFolder, 'qemu');
    const started = async (probed: string): Promise<string> => {
      await writeFile(qemu, `#!/bin/sh\ncase "$*" in *reboot-timeout*) ${probed};; *) echo "$2 $4";; esac\n`, {
        mode: 0o700,
      });
      return (await execa(join(at, 'start.sh'), { env: { QEMU: qemu, ACCEL: '' } })).stdout;
    };
    expect(await started('exit 1')).toBe('tcg max');
    expect(await started('echo internal-error')).toBe('tcg max');
    expect(await started("echo 'No bootable device.'")).toBe(existsSync('/dev/kvm') ? 'kvm host' : 'tcg max');
  });

  test('names nothing but what was checked, whatever was saved', async () => {
    const evil = "x'; touch /tmp/evil; echo '$(touch /tmp/evil)`touch /tmp/evil`\n<&\"--";
    await using subject = await folder(
      { connect: true, network: 'user' },
      {
        name: evil,
        annotation: evil,
        networks: [savedCard({ type: evil, network: evil, mac: evil }), savedCard()],
        others: [
          {
            key: 1,
            type: evil,
            label: evil,
            summary: evil,
            controller_key: 1,
            unit: 1,
            backing: evil,
            start_connected: null,
          },
        ],
        disks: [0, 1].map((number) => savedDisk(number, { address: evil, label: evil })),
        controllers: [savedController(1000, `VirtualLsiLogic${evil}`)],
      },
    );
    const { folder: at, machine } = await restore(subject);
    const words = (await readFile(join(at, 'start.sh'), 'utf8')).split('\n').filter((line) => line.startsWith('  -'));
    for (const line of words) expect(line).toMatch(/^[A-Za-z0-9 ._/:=,-]+ \\$/);
    await execa('sh', ['-n', join(at, 'start.sh')]);
    await execa('xmllint', ['--noout', join(at, 'domain.xml')]);
    expect(machine.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
    expect(existsSync('/tmp/evil')).toBe(false);
  });
});

describe.skipIf(!hasLibvirt)('libvirt', () => {
  // One for all, because it first asks QEMU what that can do. It has no daemon.
  let own: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => void (own = await temporaryFolder()));
  afterAll(() => own[Symbol.asyncDispose]());

  const inLibvirt = async (to: Partial<ToOf<'kvm'>> = {}, config: Partial<VmConfig> = {}) => {
    const subject = await folder({}, config);
    const libvirt = `qemu:///embed?root=${own.path}`;
    const virsh = (...words: string[]) => execa('virsh', ['-q', '-c', libvirt, ...words]);
    const request = { ...subject.request, to: { ...subject.request.to, libvirt, ...to } };
    return {
      ...subject,
      request,
      libvirt,
      virsh,
      [Symbol.asyncDispose]: async () => {
        const { stdout } = await virsh('list', '--all', '--name');
        for (const name of stdout.split('\n').filter(Boolean)) await virsh('undefine', name, '--keep-nvram');
        await subject[Symbol.asyncDispose]();
      },
    };
  };

  test('defines the VM as it was, and gives it back by undo alone', async () => {
    await using subject = await inLibvirt({ identity: 'keep', mac: 'keep' });
    const { machine, names, folder: at, run } = await restore(subject);
    await execa('virt-xml-validate', [join(at, 'domain.xml')]);
    const { stdout } = await subject.virsh('dumpxml', 'pgtest1');
    for (const part of [
      '<uuid>422e2b61-8d2f-4c4f-a2f7-6f9c4f5a9d11</uuid>',
      "<mac address='00:50:56:9a:1b:2c'/>",
      "model='vmpvscsi'",
      "<link state='down'/>",
      `file='${at}/disk-1.qcow2'`,
      `run="${ownRun}" point="${subject.request.from.point().backup_id}"`,
    ])
      expect(stdout).toContain(part);
    // Again is no harm.
    await kvmTarget.publish(names, run);
    // Without the mark it is somebody else's.
    await kvmTarget.undoPublish(
      { ...names, domain: { ...(names as { domain: object }).domain, mark: 'run="run-2"' } } as never,
      {},
    );
    expect((await subject.virsh('list', '--all', '--name')).stdout).toContain('pgtest1');
    await kvmTarget.undoPublish(names, {});
    expect((await subject.virsh('list', '--all', '--name')).stdout.trim()).toBe('');
    expect(machine.libvirt).toBe(subject.libvirt);
  });

  test('a name or uuid that is taken, a network that is missing, a libvirt that is not there: nothing is written', async () => {
    await using subject = await inLibvirt({ identity: 'keep' });
    await restore(subject);
    const other = (to: Partial<ToOf<'kvm'>>) =>
      restore(
        { ...subject, request: { ...subject.request, to: { ...subject.request.to, kvm: './other', ...to } } },
        'run-2',
      );
    await expect(other({})).rejects.toMatchObject({
      code: 'file.exists',
      message: expect.stringContaining('already has a VM pgtest1') as string,
    });
    await expect(other({ name: 'pgtest2' })).rejects.toMatchObject({
      code: 'file.exists',
      message: expect.stringContaining('with the uuid') as string,
    });
    await expect(other({ name: 'pgtest2', identity: 'new', network: 'bridge:none0' })).rejects.toMatchObject({
      code: 'target.unfit',
    });
    await expect(other({ libvirt: 'qemu:///nowhere' })).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('libvirt does not answer at qemu:///nowhere') as string,
    });
    expect(existsSync(join(subject.planFolder, 'other'))).toBe(false);
    await other({ name: 'pgtest2', identity: 'new' });
    expect((await subject.virsh('list', '--all', '--name')).stdout.trim().split('\n')).toEqual(['pgtest1', 'pgtest2']);
  });

  test('that fails at the very end leaves the files, says what to do, and is asked again', async () => {
    await using subject = await inLibvirt();
    const { names, run, folder: at } = await restore(subject);
    const remembered: Record<string, unknown> = {};
    const remember = (name: string, value: unknown): void => void (remembered[name] = value);
    const { domain } = names as unknown as { domain: object };
    const lost = { ...names, domain: { ...domain, uri: 'qemu:///nowhere' } } as typeof names;
    await rm(at, { recursive: true });
    const again = kvmTarget.claim(subject.request.to, subject.request.disks, {
      ...run,
      planFolder: subject.planFolder,
    });
    await kvmTarget.write(subject.request, again, run);
    await expect(kvmTarget.publish(lost, { ...run, remember })).rejects.toMatchObject({
      code: 'tool.failed',
      remedy: expect.stringContaining('All files are in place') as string,
    });
    // So the run counts as published, and nothing is taken away.
    expect(await kvmTarget.isPublished(lost, remembered)).toBe(true);
    await kvmTarget.publish(names, { ...run, remember });
    expect(await readdir(at)).toEqual(['disk-0.qcow2', 'disk-1.qcow2', 'domain.xml', 'start.sh']);
  });

  test.each(['bios', 'efi'])('takes every controller, card and disk that QEMU has (%s)', async (firmware) => {
    const controllers = everyBus.map((type, index) => savedController(1000 + index, type, index === 1 ? 1 : 0));
    await using subject = await inLibvirt(
      {},
      {
        firmware,
        controllers,
        networks: ['Vmxnet3', 'E1000', 'E1000e', 'PCNet32', 'Sriov'].map((type) =>
          savedCard({ type: `Virtual${type}` }),
        ),
        disks: [0, 1].map((number) => savedDisk(number, { controller_key: 1000 + number, unit: 5 })),
      },
    );
    const { machine, folder: at } = await restore(subject);
    expect((await subject.virsh('list', '--all', '--name')).stdout.trim()).toBe('pgtest1');
    expect(existsSync(join(at, 'efi-variables.fd'))).toBe(firmware === 'efi');
    expect(machine.notes.length).toBeGreaterThan(0);
  });
});

test('what is not said of a VM that nothing was saved of is asked for, before anything is written', async () => {
  await using subject = await folder();
  const from = { ...subject.request.from, point: () => ({ ...subject.request.from.point(), vm_config: null }) };
  const without = (to: Partial<ToOf<'kvm'>>) =>
    restore({ ...subject, request: { ...subject.request, to: { ...subject.request.to, ...to }, from } });
  await expect(without({})).rejects.toMatchObject({
    code: 'machine.unknown',
    message: expect.stringContaining('missing: memory, cpus') as string,
  });
  // libvirt would read another name.
  await expect(without({ memory: '1GiB', cpus: 1, kvm: './new\nline' })).rejects.toMatchObject({
    code: 'target.unfit',
    message: expect.stringContaining('control characters') as string,
  });
  expect(await subject.seen()).toEqual([]);
  const { machine } = await without({ memory: '1GiB', cpus: 1 });
  expect(machine.name).toBe('pgtest1');
});

test('more CPUs than the machine can have are refused before anything is written', async () => {
  const cpu = { count: 256, cores_per_socket: 1, hot_add: null, hot_remove: null };
  await using subject = await folder({}, { cpu: { ...savedConfig().cpu, ...cpu } });
  await expect(restore(subject)).rejects.toMatchObject({
    code: 'target.unfit',
    message: 'the VM has 256 CPUs, and a VM for KVM gets 255 at most',
  });
  expect(await subject.seen()).toEqual([]);
  const few = { ...subject, request: { ...subject.request, to: { ...subject.request.to, cpus: 255 } } };
  expect(await readFile(join((await restore(few)).folder, 'domain.xml'), 'utf8')).toContain('<vcpu>255</vcpu>');
});

test('a saved configuration that is damaged stops nobody who says what the VM needs', async () => {
  await using subject = await folder();
  const { vm_config: saved, ...point } = subject.request.from.point();
  const damaged = { ...point, vm_config: saved && { ...saved, sha256: '0'.repeat(64) } };
  const from = { ...subject.request.from, point: () => damaged };
  const attempt = (to: Partial<ToOf<'kvm'>>) =>
    restore({ ...subject, request: { ...subject.request, to: { ...subject.request.to, ...to }, from } });
  await expect(attempt({ memory: '1GiB' })).rejects.toMatchObject({
    code: 'machine.unknown',
    remedy: expect.stringContaining('--memory 4GiB --cpus 2') as string,
  });
  const { machine } = await attempt({ memory: '1GiB', cpus: 1 });
  expect(machine.notes.join()).toContain('cannot be used');
});
