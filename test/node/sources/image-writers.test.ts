import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { expect, test } from 'vitest';
import { lockedByQemuWriters, lockedFiles } from '../../../src/host/files/file-users.ts';
import { imageSource } from '../../../src/node/sources/image/image-source.ts';
import type { ImageSourceSpec } from '../../../src/schemas/types.ts';
import { imageDisk, imageSpec, makeRaw, MiB, workshop, writeAt, type Workshop } from '../support.ts';
import { inGuest, inQemuNbd, loopDevice } from './writers.ts';

const login = { vmName: 'pgtest1', login: null };
const discover = (disk: string | ImageSourceSpec['disks'][number]) => imageSource.discover(imageSpec(disk), login);

const openAt = (at: Workshop, disk: string, warn: (message: string) => void = () => undefined) =>
  imageSource.open(imageSpec(disk), {
    ...login,
    jobId: 'job',
    backupId: null,
    expected: [],
    warn,
    log: () => undefined,
    activity: () => undefined,
    left: () => undefined,
    jobFolder: at.folder,
    socketFolder: at.folder,
  });

/** Neither looked at nor served, and nothing of ours stays. */
async function expectBusy(at: Workshop, disk: string, message: string | RegExp = disk): Promise<void> {
  const busy = {
    code: 'source.busy',
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  };
  await expect(discover(disk)).rejects.toMatchObject(busy);
  await using source = await openAt(at, disk);
  await expect(source.disk('0')).rejects.toMatchObject(busy);
}

async function expectFree(at: Workshop, disk: string): Promise<void> {
  await discover(disk);
  await using source = await openAt(at, disk);
  await using served = await source.disk('0');
  await served.assertUnchanged();
}

function imageOf(at: Workshop, format: string): string {
  const [kind = '', variant] = format.split(' ');
  const path = at.path(`a.${kind}`);
  const options = variant ? ['-o', `subformat=${variant}`] : [];
  execFileSync('qemu-img', ['create', '-q', '-f', kind, ...options, path, '4M']);
  return path;
}

const formats = ['raw', 'qcow2', 'vmdk', 'vmdk monolithicFlat', 'vhdx'];

test.each(formats)('a disk of a running virtual machine is busy: %s', async (format) => {
  await using at = await workshop();
  const image = imageOf(at, format);
  {
    await using _guest = inGuest(at, image, format.split(' ')[0] ?? '');
    await expectBusy(at, image);
    expect((await discover(imageDisk(image, { allow_in_use: true }))).disks[0]).toMatchObject({ still: false });
  }
  await expectFree(at, image);
});

test.each(formats)('a disk that qemu-nbd serves for writing is busy: %s', async (format) => {
  await using at = await workshop();
  const image = imageOf(at, format);
  {
    await using _server = inQemuNbd(at, image, format.split(' ')[0] ?? '');
    expect(await lockedByQemuWriters([image])).toEqual([image]);
    await expectBusy(at, image);
  }
  await expectFree(at, image);
});

test('a virtual machine that takes no lock is seen by the file that it has open', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  await using _guest = inGuest(at, raw, 'raw', ',file.locking=off');
  await expectBusy(at, raw, /a\.raw is open for writing in qemu-system-x86 \(process [0-9]+\)/);
});

test('who reads a disk is no writer', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  await using _guest = inGuest(at, raw, 'raw', ',readonly=on');
  await using _reader = await open(raw, 'r');
  expect(await lockedFiles([raw])).toEqual([raw]);
  expect(await lockedByQemuWriters([raw])).toEqual([]);
  await expectFree(at, raw);
});

test('two jobs read one disk at a time', async () => {
  await using at = await workshop();
  await mkdir(at.path('other'));
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  await using source = await openAt(at, raw);
  await using served = await source.disk('0');
  await expectFree({ ...at, folder: at.path('other') }, raw);
  await served.assertUnchanged();
});

test('a file below a disk that is open for writing makes the disk busy', async () => {
  await using at = await workshop();
  const base = await makeRaw(at.path('base.raw'), 4 * MiB);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', at.path('top.qcow2')]);
  const flat = imageOf(at, 'vmdk monolithicFlat');
  {
    await using _base = inQemuNbd(at, base, 'raw');
    await expectBusy(at, at.path('top.qcow2'), base);
  }
  await using _extent = inQemuNbd(at, at.path('a-flat.vmdk'), 'raw');
  await expectBusy(at, flat, 'a-flat.vmdk');
});

test('a disk that any other program has open for writing is busy', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  for (const flags of ['r+', 'a']) {
    await using _held = await open(raw, flags);
    await expectBusy(at, raw, `${raw} is open for writing in `);
  }
  await expectFree(at, raw);
});

test('a disk that is attached to a loop device is busy, unless it is attached read-only', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  {
    using loop = loopDevice(raw);
    await expectBusy(at, raw, `${raw} is attached to ${loop.path}`);
  }
  using _readOnly = loopDevice(raw, '--read-only');
  await expectFree(at, raw);
});

test('a block device that a virtual machine or qemu-nbd has is busy', async () => {
  await using at = await workshop();
  using loop = loopDevice(await makeRaw(at.path('a.raw'), 4 * MiB));
  for (const hold of [inGuest, inQemuNbd]) {
    await using _writer = hold(at, loop.path, 'raw');
    await expectBusy(at, loop.path, `${loop.path} is open for writing in qemu-`);
  }
  await mkdir(at.path('dev'));
  execFileSync('mknod', [at.path('dev/other-name'), 'b', ...numbersOf(loop.path)]);
  await using _writer = inQemuNbd(at, loop.path, 'raw');
  await expectBusy(at, at.path('dev/other-name'), 'is open for writing in qemu-nbd');
});

const numbersOf = (device: string): string[] =>
  execFileSync('stat', ['-c', '%Hr %Lr', device]).toString().trim().split(' ');

test('a virtual machine cannot start on a raw disk that is being read', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  await using source = await openAt(at, raw);
  {
    await using _served = await source.disk('0');
    expect(() => inGuest(at, raw, 'raw')).toThrow(/Failed to get "write" lock/);
  }
  await using _guest = inGuest(at, raw, 'raw');
});

test('a block device that is being read cannot be mounted, and is given back', async () => {
  await using at = await workshop();
  using loop = loopDevice(await makeRaw(at.path('a.raw'), 4 * MiB));
  const exclusively = () => open(loop.path, 0o200);
  await using source = await openAt(at, loop.path);
  {
    await using _served = await source.disk('0');
    await expect(exclusively()).rejects.toMatchObject({ code: 'EBUSY' });
  }
  await using _held = await exclusively();
});

test('a virtual machine that starts without a lock while its disk is read is noticed, also before it writes', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  await using source = await openAt(at, raw);
  await using served = await source.disk('0');
  {
    await using _guest = inGuest(at, raw, 'raw', ',file.locking=off');
    await expect(served.assertUnchanged()).rejects.toMatchObject({
      code: 'source.changed',
      message: expect.stringMatching(/a\.raw is open for writing in qemu-system-x86 .*while it was read/),
    });
  }
  await served.assertUnchanged();
  await writeAt(raw, [0, Buffer.from('x')]);
  await expect(served.assertUnchanged()).rejects.toMatchObject({ code: 'source.changed' });
});

test('what is written to a block device while it is read is noticed', async () => {
  await using at = await workshop();
  using loop = loopDevice(await makeRaw(at.path('a.raw'), 4 * MiB));
  await using source = await openAt(at, loop.path);
  await using served = await source.disk('0');
  await served.assertUnchanged();
  {
    await using device = await open(loop.path, 'r+');
    await device.write(Buffer.alloc(4096, 1));
    await device.sync();
  }
  await expect(served.assertUnchanged()).rejects.toMatchObject({
    code: 'source.changed',
    message: expect.stringMatching(/sectors written/),
  });
});

test('a QEMU without the driver that takes the lock serves the disk, and says what it cannot do', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 4 * MiB);
  for (const tool of ['qemu-nbd', 'qemu-img']) {
    const real = execFileSync('which', [tool]).toString().trim();
    const script = `case "$*" in *blkdebug*) echo "${tool}: Unknown driver 'blkdebug'" >&2; exit 1;; esac; exec ${real} "$@"`;
    await writeFile(at.path(tool), `#!/bin/sh\n${script}\n`);
    await chmod(at.path(tool), 0o755);
  }
  const path = process.env['PATH'];
  process.env['PATH'] = `${at.folder}${delimiter}${path}`;
  try {
    const warnings: string[] = [];
    await discover(raw);
    await using source = await openAt(at, raw, (message) => warnings.push(message));
    await using served = await source.disk('0');
    await served.assertUnchanged();
    expect(warnings).toEqual([expect.stringContaining('blkdebug')]);
  } finally {
    process.env['PATH'] = path;
  }
});
