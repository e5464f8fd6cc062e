import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { imageSource } from '../../../src/node/sources/image/image-source.ts';
import type { ImageSourceSpec } from '../../../src/schemas/types.ts';
import { convert, imageDisk, imageSpec, makeRaw, MiB, openImage, workshop, writeAt } from '../support.ts';

const login = { vmName: 'pgtest1', login: null };
const discover = (spec: ImageSourceSpec) => imageSource.discover(spec, login);
const see = async (disk: string | ImageSourceSpec['disks'][number]) => (await discover(imageSpec(disk))).disks[0]!;

test('formats are told by name and content, with the capacity that the guest sees', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), 3 * MiB, [[MiB, 65_536]]);
  expect(await see(raw)).toMatchObject({
    key: '0',
    label: 'a.raw',
    path: raw,
    format: 'raw',
    capacity_bytes: 3 * MiB,
    allocated_bytes: 65_536,
    change_tracking: 'digest',
    still: true,
    warnings: [],
    change_id: null,
    changed_since: null,
    changed_bytes: null,
  });
  for (const format of ['qcow2', 'vmdk', 'vhdx']) {
    const image = convert(raw, at.path(`b.${format}`), format);
    expect(await see(image)).toMatchObject({ format, capacity_bytes: 3 * MiB });
  }
  await rename(at.path('b.qcow2'), at.path('no-extension'));
  expect(await see(at.path('no-extension'))).toMatchObject({ format: 'qcow2' });
  expect(await see(await makeRaw(at.path('disk'), MiB))).toMatchObject({ format: 'raw' });
});

test('a raw disk that does not end with a sector is rounded up as qemu does', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('odd.raw'), MiB + 100);
  expect((await see(raw)).capacity_bytes).toBe(MiB + 512);
});

test('the uuid follows from the real path, unless it is given', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), MiB);
  await symlink(raw, at.path('link.raw'));
  const { uuid } = await see(raw);
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect((await see(at.path('link.raw'))).uuid).toBe(uuid);
  expect((await see(imageDisk(raw, { uuid: 'mine' }))).uuid).toBe('mine');
  await expect(discover(imageSpec(raw, at.path('link.raw')))).rejects.toMatchObject({
    code: 'request.invalid',
    message: /are the same/,
  });
});

test.each([
  ['qcow2', 'a raw disk with a qcow2 header that its guest wrote'],
  ['vmdk', 'a raw disk with a VMDK header that its guest wrote'],
])('refuses %s content in a file named raw, and reads its bytes when told to', async (format) => {
  await using at = await workshop();
  convert(await makeRaw(at.path('a.raw'), MiB), at.path(`evil.${format}`), format);
  await rename(at.path(`evil.${format}`), at.path('evil.img'));
  await expect(see(at.path('evil.img'))).rejects.toMatchObject({
    code: 'source.unsupported',
    message: expect.stringContaining(`looks like ${format}`),
    remedy: expect.stringContaining('format: raw'),
    details: { field: '/source/disks/0/path' },
  });
  expect(await see(imageDisk(at.path('evil.img'), { format: 'raw' }))).toMatchObject({ format: 'raw' });
});

test('a file without a telling name is not read as an image that refers to other files', async () => {
  await using at = await workshop();
  await writeFile(at.path('secret'), 'root:x:0:0');
  execFileSync('qemu-img', [
    'create',
    '-q',
    '-f',
    'qcow2',
    '-b',
    at.path('secret'),
    '-F',
    'raw',
    at.path('disk0'),
    '1M',
  ]);
  await expect(see(at.path('disk0'))).rejects.toMatchObject({
    code: 'source.unsupported',
    message: expect.stringContaining('refer to other files'),
  });
  await writeFile(at.path('disk1'), `# a comment\nversion=1\nRW 2048 FLAT "${at.path('secret')}" 0\n`);
  await expect(see(at.path('disk1'))).rejects.toMatchObject({ code: 'source.unsupported' });
});

test('an image that leaves the format of its backing file to be guessed is refused', async () => {
  await using at = await workshop();
  const base = await makeRaw(at.path('base.raw'), MiB);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', at.path('top.qcow2')]);
  expect(await see(at.path('top.qcow2'))).toMatchObject({ format: 'qcow2', capacity_bytes: MiB });
  await dropBackingFormat(at.path('top.qcow2'));
  await expect(see(at.path('top.qcow2'))).rejects.toMatchObject({
    code: 'source.unsupported',
    message: expect.stringContaining('format of its backing file'),
  });
});

/** A Unix socket that somebody serves. */
async function listening(path: string): Promise<AsyncDisposable> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** qemu-img no longer makes such images; old ones exist. Zeroes the type of the backing format header extension. */
async function dropBackingFormat(path: string): Promise<void> {
  await using handle = await open(path, 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
  const at = buffer.indexOf(Buffer.from('e2792aca', 'hex'));
  if (at >= 0) await handle.write(Buffer.from('00c0ffee', 'hex'), 0, 4, at);
}

test('what is not a disk is refused, naming path and field', async () => {
  await using at = await workshop();
  await mkdir(at.path('folder'));
  await writeFile(at.path('empty.raw'), '');
  execFileSync('mkfifo', [at.path('pipe')]);
  await writeFile(at.path('wrong.qcow2'), 'not a qcow2 image at all, just text');
  execFileSync('qemu-img', ['create', '-q', '-f', 'vdi', at.path('a.vdi'), '1M']);
  const refusals: [string, string, string][] = [
    ['missing.raw', 'source.missing', 'does not exist'],
    ['folder', 'source.unsupported', 'a directory'],
    ['empty.raw', 'source.unsupported', 'empty'],
    ['pipe', 'source.unsupported', 'a pipe'],
    ['wrong.qcow2', 'source.unsupported', 'looks like raw'],
    ['a.vdi', 'source.unsupported', 'looks like vdi'],
  ];
  for (const [name, code, text] of refusals) {
    await expect(see(at.path(name)), name).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
      details: { field: '/source/disks/0/path' },
    });
    await expect(see(at.path(name)), name).rejects.toMatchObject({ message: expect.stringContaining(at.path(name)) });
  }
  await expect(see('relative.raw')).rejects.toMatchObject({ code: 'request.invalid' });
  await expect(see(imageDisk(at.path('wrong.qcow2'), { format: 'qcow2' }))).rejects.toMatchObject({
    code: 'source.unsupported',
    message: expect.stringContaining('qcow2'),
  });
});

test('what is not a disk is refused with what helps there, not with formats', async () => {
  await using at = await workshop();
  await mkdir(at.path('folder'));
  await writeFile(at.path('empty.raw'), '');
  execFileSync('mkfifo', [at.path('pipe')]);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at.path('empty.qcow2'), '0']);
  await symlink('nowhere', at.path('dangling'));
  await symlink('loop', at.path('loop'));
  await using _socket = await listening(at.path('socket'));
  const refusals: [string, string, string][] = [
    ['folder', 'is a directory, not a disk image', 'Name the image that lies in it.'],
    ['pipe', 'is a pipe', 'write it to a file first'],
    ['socket', 'is a socket', 'not the socket of the program that serves it'],
    ['empty.raw', 'is empty (0 bytes)', 'made or copied to its end'],
    ['empty.qcow2', 'is a disk of 0 bytes', 'leave it out of `disks`'],
    ['dangling', 'does not exist: it is a link to nowhere', 'Check names and paths'],
    ['loop', 'lead in a circle', 'Check names and paths'],
  ];
  for (const [name, message, remedy] of refusals) {
    await expect(see(at.path(name)), name).rejects.toMatchObject({
      message: expect.stringContaining(message) as string,
      remedy: expect.stringContaining(remedy) as string,
    });
  }
  await expect(see('/dev/null')).rejects.toMatchObject({
    remedy: expect.stringContaining('`lsblk` lists them') as string,
  });
});

test.runIf(process.geteuid?.() === 0)('a device without a medium, or that no driver answers for, says so', async () => {
  await using at = await workshop();
  // A loop device to which nothing is attached, and a number that is for local use.
  for (const [name, major, minor] of [
    ['loop', '7', '250'],
    ['none', '240', '7'],
  ] as const) {
    execFileSync('mknod', [at.path(name), 'b', major, minor]);
    await expect(see(at.path(name)), name).rejects.toMatchObject({
      code: 'source.missing',
      message: expect.stringMatching(/no medium/) as string,
      remedy: expect.stringMatching(/^Insert the medium, or attach/) as string,
    });
  }
});

test('names with dashes, commas, colons, spaces and newlines work', async () => {
  await using at = await workshop();
  for (const name of [
    '-rf.raw',
    'a,b=c.raw',
    'nbd:x.raw',
    'with space.raw',
    'new\nline.raw',
    '%41.raw',
    'json:{}.raw',
  ]) {
    const path = await makeRaw(at.path(name), MiB, [[0, 512]]);
    for (const allow_in_use of [false, true]) {
      const spec = imageSpec(imageDisk(path, { allow_in_use }));
      expect((await discover(spec)).disks[0], name).toMatchObject({ capacity_bytes: MiB });
      await using source = await openImage(at, spec);
      await using disk = await source.disk('0');
      expect(execFileSync('nbdinfo', ['--size', disk.uri]).toString().trim(), name).toBe(String(MiB));
    }
  }
});

test('a disk that another program writes to is busy, unless that is allowed', async () => {
  await using at = await workshop();
  const image = convert(await makeRaw(at.path('a.raw'), MiB), at.path('a.qcow2'), 'qcow2');
  const writer = spawn('qemu-io', ['-f', 'qcow2', image], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(writer.stdout, 'data');
    await expect(see(image)).rejects.toMatchObject({ code: 'source.busy', message: expect.stringContaining(image) });
    await using source = await openImage(at, imageSpec(image));
    await expect(source.disk('0')).rejects.toMatchObject({ code: 'source.busy' });
    const allowed = imageDisk(image, { allow_in_use: true });
    expect(await see(allowed)).toMatchObject({ still: false, warnings: [expect.stringContaining('torn')] });
    await using anyway = await openImage(at, imageSpec(allowed));
    await using disk = await anyway.disk('0');
    await disk.assertUnchanged();
  } finally {
    writer.kill();
    await once(writer, 'exit');
  }
});

test('a disk that changes while it is open is noticed, also in a file below it', async () => {
  await using at = await workshop();
  const base = await makeRaw(at.path('base.raw'), MiB);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', at.path('top.qcow2')]);
  await using source = await openImage(at, imageSpec(at.path('top.qcow2')));
  await using disk = await source.disk('0');
  await disk.assertUnchanged();
  await writeAt(base, [0, Buffer.from('x')]);
  await expect(disk.assertUnchanged()).rejects.toMatchObject({
    code: 'source.changed',
    message: expect.stringContaining(base),
  });
});

test('a changes file is read when it is about this disk and refused when it cannot be', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('a.raw'), MiB);
  const changes = at.path('changes.json');
  const good = {
    version: 1,
    capacity_bytes: MiB,
    change_id: 'c2',
    since: 'c1',
    areas: [
      { offset: 0, length: 512 },
      { offset: 4096, length: 512 },
    ],
  };
  await writeFile(changes, JSON.stringify(good));
  const disk = imageDisk(raw, { changes });
  expect(await see(disk)).toMatchObject({
    change_tracking: 'areas',
    change_id: 'c2',
    changed_since: 'c1',
    changed_bytes: 1024,
  });
  const bad: [unknown, RegExp][] = [
    [{ ...good, capacity_bytes: 1 }, /disk of 1 bytes/],
    [
      {
        ...good,
        areas: [
          { offset: 4096, length: 512 },
          { offset: 0, length: 512 },
        ],
      },
      /area 1 starts at 0/,
    ],
    [
      {
        ...good,
        areas: [
          { offset: 0, length: 1024 },
          { offset: 512, length: 512 },
        ],
      },
      /area 1 starts at 512/,
    ],
    [{ ...good, areas: [{ offset: MiB - 1, length: 2 }] }, /beyond the disk/],
    [{ ...good, areas: [{ offset: 0, length: 0 }] }, /\/areas\/0\/length/],
    [{ ...good, version: 2 }, /\/version/],
    ['{', /not JSON/],
  ];
  for (const [content, message] of bad) {
    await writeFile(changes, typeof content === 'string' ? content : JSON.stringify(content));
    await expect(see(disk)).rejects.toMatchObject({
      code: 'source.unsupported',
      message,
      details: { field: '/source/disks/0/changes' },
    });
  }
  await expect(see(imageDisk(raw, { changes: at.path('none') }))).rejects.toMatchObject({ code: 'source.missing' });
  await expect(see(imageDisk(raw, { changes: 'changes.json' }))).rejects.toMatchObject({ code: 'request.invalid' });
});

test('a block device is read as raw, and one that is mounted is busy', async (context) => {
  await using at = await workshop();
  const file = await makeRaw(at.path('a.raw'), 4 * MiB, [[0, MiB]]);
  let device: string;
  try {
    device = execFileSync('losetup', ['--find', '--show', file], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return context.skip('no loop devices here');
  }
  try {
    expect(await see(device)).toMatchObject({
      format: 'raw',
      capacity_bytes: 4 * MiB,
      allocated_bytes: null,
      still: false,
      warnings: [expect.stringContaining('block device')],
    });
    await using held = await open(device, 0o200);
    expect(held.fd).toBeGreaterThan(0);
    await expect(see(device)).rejects.toMatchObject({ code: 'source.busy' });
    expect(await see(imageDisk(device, { allow_in_use: true }))).toMatchObject({ still: false });
  } finally {
    execFileSync('losetup', ['--detach', device]);
  }
});

test('a sparse disk of 2 TiB is seen at once', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('big.raw'), MiB);
  await truncate(raw, 2 ** 41);
  expect(await see(raw)).toMatchObject({ capacity_bytes: 2 ** 41 });
});
