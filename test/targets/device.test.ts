import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { open, symlink } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { overlap } from '../../src/host/files/block-device.ts';
import { imageTarget } from '../../src/host/images/image-options.ts';
import { convertImage } from '../../src/host/images/qemu-img.ts';
import { deviceTarget } from '../../src/targets/device/device-target.ts';
import type { RestoredDisk, TargetKind, TargetType } from '../../src/targets/target-kind.ts';
import { MiB, workshop } from '../node/support.ts';
import { canAttach, loopDevice } from '../support/loop-device.ts';
import { loopMount } from '../support/loop-mount.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';
import { targetChecks, type TargetSubject } from './target-checks.ts';

const facts = { runId: 'run-1', stepId: 'write', planFolder: '/' };

const headOf = async (path: string): Promise<Buffer> => {
  await using handle = await open(path, 'r');
  const head = Buffer.alloc(MiB);
  await handle.read(head, 0, MiB, 0);
  return head;
};

async function twoDevices(): Promise<TargetSubject<'device'>> {
  await using stack = new AsyncDisposableStack();
  const at = stack.use(await workshop());
  // One disk is smaller than the beginning that is written last.
  const raw = [
    await rawDisk(at.path('a.raw'), 3 * MiB, [
      [0, 4096],
      [2 * MiB, 100_000],
    ]),
    await rawDisk(at.path('b.raw'), MiB / 2, [[0, 512]]),
  ];
  const { disks, contents, from } = await restoredDisks(at, raw);
  const devices = [
    stack.use(await loopDevice(at.path('a.device'), 5 * MiB)),
    stack.use(await loopDevice(at.path('b.device'), MiB / 2)),
  ];
  const device = Object.fromEntries(devices.map(({ path }, number) => [`disk-${number}`, path]));
  const held = stack.move();
  return {
    kind: deviceTarget as TargetKind<'device', object, object>,
    request: {
      to: { device, overwrite: false },
      disks,
      from,
    },
    planFolder: at.folder,
    contents,
    mayHoldRepository: false,
    seen: async () =>
      Promise.all(
        devices.map(async ({ path }) =>
          createHash('sha256')
            .update(await headOf(path))
            .digest('hex'),
        ),
      ),
    occupy: async () => {
      const [path = ''] = devices.map((one) => one.path);
      await execa('mkswap', [path]);
      return async () => (await execa('blkid', ['-p', '-s', 'TYPE', '-o', 'value', path])).stdout === 'swap';
    },
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

describe.skipIf(!canAttach)('block devices as a target', () => {
  test.each(Object.entries(targetChecks))('%s', async (_title, check) => {
    await using subject = await twoDevices();
    await check(subject as unknown as TargetSubject<TargetType>);
  });

  const claimOf = ({ request, planFolder }: TargetSubject<'device'>) =>
    deviceTarget.claim(request.to, request.disks, { ...facts, planFolder });
  const run = () => ({
    ...facts,
    signal: new AbortController().signal,
    log: () => undefined,
    progress: () => undefined,
    remember: () => undefined,
  });
  const devicesOf = ({ request }: TargetSubject<'device'>): string[] =>
    Object.values(request.to.device as Record<string, string>);

  test('every byte is written, zeros too, and the end of a larger device is cleared', async () => {
    await using subject = await twoDevices();
    const [path = ''] = devicesOf(subject);
    writeFileSync(path, Buffer.alloc(5 * MiB, 'old'));
    const claim = claimOf(subject);
    const { files } = await deviceTarget.write(subject.request, claim, run());
    const written = readFileSync(path);
    expect(written.subarray(0, 8).toString()).toBe('sendense');
    expect(written.subarray(MiB, 3 * MiB).equals(subject.contents[0]?.subarray(MiB) ?? Buffer.alloc(0))).toBe(true);
    expect(written.subarray(4 * MiB).equals(Buffer.alloc(MiB))).toBe(true);
    await deviceTarget.publish(deviceTarget.claimNames(files), {
      ...run(),
      disks: subject.request.disks,
      from: subject.request.from,
    });
    expect(
      readFileSync(path)
        .subarray(0, 3 * MiB)
        .equals(subject.contents[0] ?? Buffer.alloc(0)),
    ).toBe(true);
  });

  test('a disk may end within a sector of the device, of 4 KiB here', async () => {
    await using at = await workshop();
    const bytes = 3 * MiB + 512;
    const raw = await rawDisk(at.path('a.raw'), bytes, [[2 * MiB, MiB + 512]]);
    const { disks, contents, from } = await restoredDisks(at, [raw]);
    await using loop = await loopDevice(at.path('a.device'), 4 * MiB, 4096);
    writeFileSync(loop.path, Buffer.alloc(4 * MiB, 'old'));
    const to = { device: loop.path, overwrite: false };
    const claim = deviceTarget.claim(to, disks, { ...facts, planFolder: at.folder });
    await deviceTarget.write({ to, disks, from }, claim, run());
    const written = readFileSync(loop.path);
    expect(written.subarray(MiB, bytes).equals(contents[0]?.subarray(MiB) ?? Buffer.alloc(0))).toBe(true);
    expect(written.subarray(bytes).equals(Buffer.alloc(MiB - 512))).toBe(true);
  });

  test('what a device holds is named, and goes with overwrite alone', async () => {
    await using subject = await twoDevices();
    const [path = ''] = devicesOf(subject);
    // wipefs knows no images of disks.
    writeFileSync(path, 'QFI\xfb', { encoding: 'latin1', flag: 'r+' });
    await expect(deviceTarget.assertFree(subject.request, claimOf(subject))).rejects.toMatchObject({
      message: expect.stringContaining('holds a qcow2 image; nothing was written') as string,
    });
    await execa('mkfs.ext4', ['-q', '-L', 'precious', path]);
    await expect(deviceTarget.assertFree(subject.request, claimOf(subject))).rejects.toMatchObject({
      code: 'file.exists',
      message: expect.stringContaining('holds ext4 "precious"; nothing was written') as string,
    });
    const over = { ...subject, request: { ...subject.request, to: { ...subject.request.to, overwrite: true } } };
    await deviceTarget.assertFree(over.request, claimOf(over));
    const [effect] = await deviceTarget.effects(over.request, claimOf(over));
    expect(effect?.detail).toContain('what it holds is lost: ext4 "precious"');
    const { files } = await deviceTarget.write(over.request, claimOf(over), run());
    // Another run finds what is not finished.
    const other = deviceTarget.claim(subject.request.to, subject.request.disks, { ...facts, runId: 'run-2' });
    await expect(deviceTarget.assertFree(subject.request, other)).rejects.toMatchObject({
      message: expect.stringContaining('a restore that is not finished (sendense-restore/1 run=run-1 ') as string,
    });
    expect(files).toHaveLength(2);
  });

  test('a device that is mounted, held by a program, too small, or none is refused', async () => {
    await using subject = await twoDevices();
    const at = subject.planFolder;
    const attempt = (device: string, disks: readonly RestoredDisk[] = subject.request.disks.slice(1)) => {
      const request = { ...subject.request, disks, to: { device, overwrite: true } };
      return deviceTarget.assertFree(request, deviceTarget.claim(request.to, disks, facts));
    };
    await using _mounted = await loopMount(`${at}/fs`, `${at}/mounted`, 4);
    const { stdout: mounted } = await execa('findmnt', ['-no', 'SOURCE', `${at}/mounted`]);
    await expect(attempt(mounted)).rejects.toMatchObject({
      code: 'target.busy',
      message: `${mounted} is mounted at ${at}/mounted`,
    });
    const [path = '', small = ''] = devicesOf(subject);
    {
      await using _held = await open(path, 'r+');
      await expect(attempt(path)).rejects.toMatchObject({
        code: 'target.busy',
        message: expect.stringMatching(/is open for writing in .*process [0-9]+$/) as string,
      });
    }
    await expect(attempt(small, subject.request.disks.slice(0, 1))).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining(`${small} has 512.0 KiB`) as string,
    });
    await expect(attempt(`${at}/fs`)).rejects.toMatchObject({ code: 'target.unfit' });
    await expect(attempt(`${at}/none`)).rejects.toMatchObject({ code: 'file.unreadable' });
    await symlink(path, `${at}/by-id`);
    await attempt(`${at}/by-id`);
    await expect(async () => attempt(path, subject.request.disks)).rejects.toMatchObject({ code: 'target.unfit' });
    const both = { device: { 'disk-0': path, 'disk-1': small }, overwrite: true };
    expect(() => deviceTarget.claim(both, subject.request.disks.slice(1), facts)).toThrow(
      'a device is named for disk-0, and only disk-1 would be restored',
    );
  });

  test('a file of the repository is not written, not even as a loop device', async () => {
    await using subject = await twoDevices();
    const from = { ...subject.request.from, path: () => subject.planFolder };
    const to = { ...subject.request.to, overwrite: true };
    await expect(deviceTarget.assertFree({ ...subject.request, from, to }, claimOf(subject))).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('lies inside the repository') as string,
    });
  });

  test('two disks never go to one device', async () => {
    await using subject = await twoDevices();
    const [path = ''] = devicesOf(subject);
    await symlink(path, `${subject.planFolder}/other`);
    const to = { device: { 'disk-0': path, 'disk-1': `${subject.planFolder}/other` }, overwrite: false };
    const claim = deviceTarget.claim(to, subject.request.disks, facts);
    await expect(deviceTarget.assertFree({ ...subject.request, to }, claim)).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('disk-0 and disk-1 would go to the same device') as string,
    });
  });

  test('two disks never go to a device and to a partition of it', async () => {
    await using subject = await twoDevices();
    const [path = ''] = devicesOf(subject);
    await execa('sfdisk', ['--quiet', path], { input: 'start=2048, size=2048\nstart=4096, size=2048\n' });
    await execa('partx', ['--add', path]);
    const [whole, part] = [path, `${path}p1`];
    const attempt = (first: string, second: string) => {
      const to = { device: { 'disk-0': first, 'disk-1': second }, overwrite: true };
      const claim = deviceTarget.claim(to, subject.request.disks, facts);
      return deviceTarget.assertFree({ ...subject.request, to }, claim);
    };
    await expect(attempt(whole, part)).rejects.toMatchObject({
      code: 'target.unfit',
      message: `disk-0 and disk-1 would go to a disk and to a partition of it, ${whole} and ${part}`,
    });
    expect(overlap('8:1', '8:2')).toBe(false);
  });

  test('another program reads the same disk from it', async () => {
    await using subject = await twoDevices();
    const [path = ''] = devicesOf(subject);
    const { files } = await deviceTarget.write(subject.request, claimOf(subject), run());
    await deviceTarget.publish(deviceTarget.claimNames(files), {
      ...run(),
      disks: subject.request.disks,
      from: subject.request.from,
    });
    const disk = subject.request.disks[0] as RestoredDisk;
    const copy = `${subject.planFolder}/copy.raw`;
    await convertImage({ from: await imageTarget(disk.file), to: copy, toFormat: 'raw' });
    expect(readFileSync(path).subarray(0, disk.capacity_bytes).equals(readFileSync(copy))).toBe(true);
  });
});
