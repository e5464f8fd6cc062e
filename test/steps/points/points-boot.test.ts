import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { plainTarget } from '../../../src/host/images/image-options.ts';
import { exists } from '../../../src/host/files/files.ts';
import { readQcow2Header } from '../../../src/host/images/qcow2-header.ts';
import { createOverlay } from '../../../src/host/images/qemu-img.ts';
import { guestArgs, startGuest } from '../../../src/host/images/qemu-system.ts';
import { connectJsonSocket } from '../../../src/host/images/qmp.ts';
import { clearRunFolder, makeRunFolder, runFolderOf } from '../../../src/host/programs/run-folder.ts';
import type { PointsBootOutput, PointsVerifyOutput, Settings } from '../../../src/schemas/types.ts';
import { marksOf, verificationsOf } from '../../../src/state/points/point-marks.ts';
import { pointsBoot } from '../../../src/steps/points/points-boot.ts';
import { pointsVerify } from '../../../src/steps/points/points-verify.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup } from '../backup-run.ts';
import { bootSector } from '../../restore-points/verify/boot-sector.ts';
import { stepBench, type StepBench } from '../step-bench.ts';
import { hurryKdf } from '../../support/hurried-kdf.ts';

hurryKdf();

/** A VM of two disks whose first boots, and what level quick says of its only restore point. */
async function bootable(
  text: string,
  settings: Partial<Settings> = {},
): Promise<{ bench: StepBench; points: PointsVerifyOutput['results']; files: string[] }> {
  const bench = await stepBench(settings);
  await writeFile(bench.folder.file('repo.key'), 'k'.repeat(44));
  await makeRaw(bench.folder.file('a.raw'), MiB);
  await makeRaw(bench.folder.file('b.raw'), MiB, [0, 4096]);
  await writeInto(bench.folder.file('a.raw'), [0, bootSector(text)]);
  const { disks } = await backup(bench, { run: 'run-000001', disks: ['a.raw', 'b.raw'] });
  await using ran = await bench.run<PointsVerifyOutput>(pointsVerify, { repository: 'primary', level: 'quick' });
  return { bench, points: ran.output.results, files: disks.map(({ path }) => path ?? '') };
}

const boot = (bench: StepBench, points: object, check: object) =>
  bench.run<PointsBootOutput>(pointsBoot, { repository: 'primary', points, boot: { memory: '64MiB', ...check } });

const isPng = async (file: string): Promise<boolean> =>
  (await readFile(file)).subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));

describe('points.boot', () => {
  test('up when the mark comes on the serial console; a picture is kept, all else is thrown away', async () => {
    const { bench, points, files } = await bootable('hello\r\nlogin: ');
    await using _bench = bench;
    const before = await Promise.all(files.map((file) => readFile(file)));
    await using ran = await boot(bench, points, { serial: { mark: 'login:' } });
    expect(ran.output.problems).toEqual([]);
    const [booted] = ran.output.booted;
    expect(booted).toMatchObject({ vm: 'pgtest1', ok: true, sign: 'serial', problem: null });
    expect(await isPng(booted?.screenshot ?? '')).toBe(true);
    expect((await stat(booted?.screenshot ?? '')).mode & 0o777).toBe(0o600);
    expect(await Promise.all(files.map((file) => readFile(file)))).toEqual(before);
    expect(await exists(runFolderOf('run-aaaaaa-boot'))).toBe(false);
    const found = verificationsOf(bench.state, {}).get(`pgtest1/${points[0]?.backup_id}`);
    expect(found?.map(({ level, ok }) => `${level} ${ok}`)).toEqual(['boot true', 'quick true']);
  });

  test('what the guest of an encrypted restore point writes is encrypted too', { timeout: 300_000 }, async () => {
    const encryption = { key: { secret: { file: 'repo.key' } } };
    const settings = { repositories: { primary: { path: './repository', minFree: 0, encryption } } };
    const { bench, points, files } = await bootable('hello\r\nlogin: ', settings as Partial<Settings>);
    await using _bench = bench;
    expect((await readQcow2Header(files[0] ?? ''))?.encrypted).toBe(true);
    const overlay = join(runFolderOf('run-aaaaaa-boot'), 'disk-0.qcow2');
    const booting = boot(bench, points, { serial: { mark: 'login:' } });
    // While it is made its header does not say so yet.
    const seen = vi.waitUntil(async () => (await readQcow2Header(overlay).catch(() => undefined))?.encrypted, {
      timeout: 300_000,
      interval: 10,
    });
    expect(await Promise.race([seen, booting.then(() => 'it was over before')])).toBe(true);
    await using ran = await booting;
    expect(ran.output.problems).toEqual([]);
  });

  test('a picture that stands still is a sign too', async () => {
    const { bench, points } = await bootable('');
    await using _bench = bench;
    await using ran = await boot(bench, points, { picture: { still: '2s' } });
    expect(ran.output.booted[0]).toMatchObject({ ok: true, sign: 'picture' });
  });

  test('one that says nothing in time did not boot, which does not make it broken', async () => {
    const { bench, points } = await bootable('kernel panic');
    await using _bench = bench;
    await using ran = await boot(bench, points, { serial: { mark: 'login:' }, timeout: '4s' });
    expect(ran.output.problems).toEqual([
      expect.stringMatching(/did not boot: no sign of life within 4 s; the last on its serial console: .*kernel panic/),
    ]);
    expect(await isPng(ran.output.booted[0]?.screenshot ?? '')).toBe(true);
    expect(marksOf(bench.state, {}).size).toBe(0);
    expect(await exists(runFolderOf('run-aaaaaa-boot'))).toBe(false);
  });

  test('without boot nothing happens', async () => {
    await using bench = await stepBench();
    await using ran = await bench.run<PointsBootOutput>(pointsBoot, { repository: 'primary', points: [], boot: null });
    expect(ran.output).toEqual({ booted: [], problems: [] });
  });

  test('undo ends the virtual machine of a run that was killed, and removes its folder', async () => {
    const { bench, files } = await bootable('login: ');
    await using _bench = bench;
    const folder = await makeRunFolder('run-killed-boot');
    const overlay = join(folder, 'disk-0.qcow2');
    await createOverlay(overlay, files[0] ?? '', 64 * MiB);
    // It runs in the background by itself, so that nothing of ours has to die for it to be left over.
    const guest = await startGuest({
      folder,
      disks: [{ image: plainTarget(overlay), bus: 'ahci' }],
      accel: 'tcg',
      memoryBytes: 64 * MiB,
      cpus: 1,
      efi: null,
      agent: true,
    });
    expect(guest.isRunning()).toBe(true);
    expect(await guest.agentAnswers()).toBe(false);
    await bench.undo(pointsBoot, { folder }, { run: 'run-killed' });
    expect(guest.isRunning()).toBe(false);
    expect(await exists(folder)).toBe(false);
    await clearRunFolder(folder);
  });
});

test('no guest has a network, and each disk is on the controller that is asked for', async () => {
  const image = { name: '/x,y.qcow2', format: ['-f', 'qcow2'], objects: [], secret: undefined };
  const args = guestArgs({
    folder: '/run',
    disks: (['pvscsi', 'pvscsi', 'ahci', 'nvme', ...Array<'lsisas'>(9).fill('lsisas')] as const).map((bus) => ({
      image,
      bus,
    })),
    accel: 'tcg',
    memoryBytes: 64 * MiB,
    cpus: 1,
    efi: null,
    agent: false,
  });
  expect(args.join(' ')).toContain('-nic none');
  expect(args.filter((word) => word.startsWith('pvscsi'))).toEqual(['pvscsi,id=pvscsi0']);
  expect(args).toContain('ide-hd,bus=ahci0.0,drive=disk2,bootindex=2');
  expect(args).toContain('nvme,id=nvme0,serial=nvme0');
  expect(args).toContain('nvme-ns,bus=nvme0,nsid=1,drive=disk3,bootindex=3');
  // Linux sees no SAS disk without an address of its own, and a controller takes eight.
  expect(args).toContain('scsi-hd,bus=lsisas0.0,scsi-id=7,wwn=3458764513820540940,drive=disk11,bootindex=11');
  expect(args).toContain('scsi-hd,bus=lsisas1.0,scsi-id=0,wwn=3458764513820540941,drive=disk12,bootindex=12');
  expect(args).toContain('file=/x,,y.qcow2,if=none,id=disk0,cache=unsafe,discard=unmap,format=qcow2');
});

describe('the guest agent, its end of the socket played here', () => {
  test('an answer is an answer, an error is told, silence has a limit', async () => {
    const folder = await mkdtemp('/tmp/agent-');
    const path = join(folder, 'agent.sock');
    const server = createServer((socket) => {
      socket.on('data', (data) => {
        const { execute } = JSON.parse(String(data)) as { execute: string };
        if (execute === 'guest-ping') socket.write('{"return": {}}\n');
        if (execute === 'guest-what')
          socket.write('{"error": {"class": "CommandNotFound", "desc": "no such command"}}\n');
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      using agent = await connectJsonSocket(path, { timeoutMs: 300 });
      expect(await agent.ask('guest-ping')).toEqual({});
      await expect(agent.ask('guest-what')).rejects.toThrow('no such command');
      await expect(agent.ask('guest-sleep')).rejects.toThrow('no answer to guest-sleep');
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    }
    expect(await readdir('/tmp')).not.toContain(folder);
  });
});
