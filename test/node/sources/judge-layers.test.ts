import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { chmod, chown, mkdir, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { imageSource } from '../../../src/node/sources/image/image-source.ts';
import { identityOf, judgeLayers } from '../../../src/node/sources/image/judge-layers.ts';
import { assertOpened } from '../../../src/node/sources/image/opened-files.ts';
import { letSomebodyWrite, somebody } from '../../support/acl.ts';
import { convert, imageDisk, imageSpec, makeRaw, MiB, openImage, until, workshop, type Workshop } from '../support.ts';

const asRoot = process.getuid?.() === 0;

const discover = (path: string, own: readonly string[] = []) =>
  imageSource.discover(imageSpec(path), { vmName: 'vm', login: null, own });

/** Is it refused before the backup, and when a job opens it? */
async function refused(at: Workshop, path: string, message: RegExp, own: readonly string[] = []): Promise<void> {
  const refusal = { code: 'source.unsupported', message: expect.stringMatching(message) as string };
  await expect(discover(path, own)).rejects.toMatchObject(refusal);
  await using source = await openImage(at, imageSpec(path), own);
  await expect(source.disk('0')).rejects.toMatchObject(refusal);
}

/** It is served, and has the content of this raw file. */
async function reads(at: Workshop, path: string, raw: string): Promise<void> {
  expect((await discover(path)).disks[0]).toMatchObject({ capacity_bytes: (await stat(raw)).size });
  await using source = await openImage(at, imageSpec(path));
  await using disk = await source.disk('0');
  execFileSync('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', raw, disk.uri]);
  await disk.assertUnchanged();
}

const qcow2 = (path: string, backing: string, format = 'raw'): string => {
  execFileSync('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-b', backing, '-F', format, path, '1M']);
  return path;
};

/** A description of a VMDK: its extents, and perhaps the VMDK below. */
async function vmdk(path: string, extents: readonly string[], parent = ''): Promise<string> {
  const lines = ['# Disk DescriptorFile', 'version=1', 'CID=12345678', 'parentCID=ffffffff'];
  const more = ['createType="monolithicFlat"', parent && `parentFileNameHint="${parent}"`, ...extents];
  await writeFile(path, `${[...lines, ...more].join('\n')}\nddb.adapterType = "ide"\n`);
  return path;
}

describe.runIf(asRoot)('an image of another user', () => {
  async function folderWithSecret() {
    const at = await workshop();
    const secret = await makeRaw(at.path('secret'), MiB, [[0, 4096]]);
    await chmod(secret, 0o600);
    const theirs = async (path: string): Promise<string> => {
      await chown(path, somebody, somebody);
      await chmod(path, 0o644);
      return path;
    };
    return { at, secret, theirs };
  }

  test('is not read where it names a file that its owner may not read', async () => {
    const { at: made, secret, theirs } = await folderWithSecret();
    await using at = made;
    const no = /could have written that name but may not read the file/;
    await refused(at, await theirs(qcow2(at.path('backing.qcow2'), secret)), no);
    await refused(at, await theirs(qcow2(at.path('prefix.qcow2'), `file:${secret}`)), no);
    await refused(at, await theirs(qcow2(at.path('relative.qcow2'), 'secret')), no);
    await refused(at, await theirs(await vmdk(at.path('flat.vmdk'), [`RW 2048 FLAT "${secret}" 0`])), no);
    await refused(at, await theirs(await vmdk(at.path('open.vmdk'), [`RW 2048 VMFS "${secret}`])), no);
    await refused(at, await theirs(await vmdk(at.path('split.vmdk'), ['RW', '2048', `FLAT "${secret}" 0`])), no);
    const data = ['create', '-q', '-f', 'qcow2', '-o', `data_file=${secret}`];
    execFileSync('qemu-img', [...data, at.path('data.qcow2'), '1M']);
    await refused(at, await theirs(at.path('data.qcow2')), no);
    await symlink(secret, at.path('link'));
    await refused(at, await theirs(qcow2(at.path('linked.qcow2'), at.path('link'))), no);
    // Of the image on top nothing speaks against it: the one below names the file.
    await theirs(qcow2(at.path('middle.qcow2'), secret));
    await refused(at, qcow2(at.path('above.qcow2'), at.path('middle.qcow2'), 'qcow2'), no);
    await refused(at, await vmdk(at.path('above.vmdk'), [], at.path('flat.vmdk')), no);
  });

  test('is not read through a symbolic link of theirs either', async () => {
    const { at: made, secret } = await folderWithSecret();
    await using at = made;
    await symlink(secret, at.path('disk.raw'));
    execFileSync('chown', ['-h', String(somebody), at.path('disk.raw')]);
    await refused(at, at.path('disk.raw'), /symbolic link of user 54321/);
    const changes = imageSpec(imageDisk(await makeRaw(at.path('b.raw'), MiB), { changes: at.path('disk.raw') }));
    await expect(imageSource.discover(changes, { vmName: 'vm', login: null })).rejects.toMatchObject({
      message: expect.stringMatching(/symbolic link of user 54321/) as string,
    });
  });

  test('counts as one of everybody who may write to it', async () => {
    const { at: made, secret } = await folderWithSecret();
    await using at = made;
    const image = qcow2(at.path('shared.qcow2'), secret);
    await reads(at, image, secret);
    await chown(image, 0, somebody);
    await chmod(image, 0o664);
    await refused(at, image, /members of group 54321/);
    await chmod(image, 0o646);
    await refused(at, image, /everybody could have written/);
  });

  test('is read with a template of root, with files of its own owner, and with those of a group', async () => {
    const { at: made, secret: template, theirs } = await folderWithSecret();
    await using at = made;
    await chmod(template, 0o644);
    await reads(at, await theirs(qcow2(at.path('of-template.qcow2'), template)), template);
    const own = await makeRaw(at.path('own.raw'), MiB, [[0, 4096]]);
    await chown(own, somebody, somebody);
    await chmod(own, 0o600);
    await reads(at, await theirs(qcow2(at.path('of-own.qcow2'), 'own.raw')), own);
    await chown(own, 0, somebody);
    await chmod(own, 0o640);
    const image = await theirs(qcow2(at.path('of-group.qcow2'), own));
    await chmod(image, 0o660);
    await refused(at, image, /user 54321 could have written/);
    await chown(image, 0, somebody);
    await reads(at, image, own);
  });
});

test('chains, data files and VMDKs of several files are read as before', async () => {
  await using at = await workshop();
  const raw = await makeRaw(at.path('base.raw'), MiB, [[0, 4096]]);
  for (const form of ['monolithicFlat', 'twoGbMaxExtentSparse', 'streamOptimized']) {
    const image = at.path(`${form}.vmdk`);
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', '-o', `subformat=${form}`, raw, image]);
    await reads(at, image, raw);
  }
  const data = ['convert', '-f', 'raw', '-O', 'qcow2', '-o', `data_file=${at.path('d.bin')}`];
  execFileSync('qemu-img', [...data, raw, at.path('data.qcow2')]);
  await reads(at, at.path('data.qcow2'), raw);
  let image = qcow2(at.path('0.qcow2'), 'base.raw');
  for (let number = 1; number <= 30; number++)
    image = qcow2(at.path(`${number}.qcow2`), `${number - 1}.qcow2`, 'qcow2');
  await reads(at, image, raw);
  for (const format of ['vmdk', 'vhdx'])
    await reads(at, qcow2(at.path(`on-${format}.qcow2`), convert(raw, at.path(`b.${format}`), format), format), raw);
});

test('`..` after a folder that a link leads to is the folder that QEMU takes', async () => {
  await using at = await workshop();
  for (const folder of ['data', 'data/1', 'images']) await mkdir(at.path(folder));
  await symlink(at.path('data/1'), at.path('images/cur'));
  const [base, other] = [await makeRaw(at.path('data/base.raw'), MiB, [[0, 4096]]), at.path('images/base.raw')];
  await makeRaw(other, MiB, [[65_536, 4096]]);
  qcow2(at.path('data/1/a.qcow2'), '../base.raw');
  await reads(at, at.path('images/cur/a.qcow2'), base);
});

test.runIf(asRoot)('a block device is one of its owner, too', async () => {
  await using at = await workshop();
  const secret = await makeRaw(at.path('secret'), MiB, [[0, 4096]]);
  await chmod(secret, 0o600);
  const image = qcow2(at.path('a.qcow2'), secret);
  await truncate(image, 2 * MiB);
  const device = execFileSync('losetup', ['--find', '--show', image]).toString().trim();
  const { uid, gid, mode } = await stat(device);
  try {
    const judged = () => judgeLayers({ path: device, format: 'qcow2' }, []);
    await chown(device, 0, 0);
    expect((await judged()).backing).toMatchObject({ path: secret });
    await chown(device, somebody, 0);
    await expect(judged()).rejects.toMatchObject({ message: expect.stringMatching(/user 54321 could have/) as string });
  } finally {
    await chown(device, uid, gid);
    await chmod(device, mode & 0o777);
    execFileSync('losetup', ['--detach', device]);
  }
});

test.runIf(asRoot)('whom an access control list lets write counts as one who may have written the names', async () => {
  await using at = await workshop();
  const secret = await makeRaw(at.path('secret'), MiB, [[0, 4096]]);
  await chmod(secret, 0o600);
  const image = qcow2(at.path('a.qcow2'), secret);
  await chmod(image, 0o660);
  expect((await judgeLayers({ path: image, format: 'qcow2' }, [])).backing).toMatchObject({ path: secret });
  letSomebodyWrite(image);
  await refused(at, image, /everybody could have written that name/);
});

test('a server that speaks with another server has more open than files', async () => {
  await using at = await workshop();
  const other = createServer(() => {}).listen(at.path('other.sock'));
  const script = `const net=require('net');const own=net.createServer().listen('own.sock',()=>net.connect('other.sock',()=>console.log('open')))`;
  const own = spawn(process.execPath, ['-e', script], { cwd: at.folder, stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(own.stdout, 'data');
    await expect(assertOpened(own.pid ?? 0, [], [], 100)).rejects.toMatchObject({
      code: 'source.changed',
      message: expect.stringMatching(/socket:\[\d+\] is open/) as string,
    });
  } finally {
    own.kill();
    await once(own, 'exit');
    other.close();
  }
});

test('no layer is a file of the node itself, whoever names it', async () => {
  await using at = await workshop();
  execFileSync('mkdir', [at.path('state')]);
  await makeRaw(at.path('state/token'), MiB);
  await symlink(at.path('state'), at.path('link'));
  const own = [at.path('state')];
  const ours = /belongs to Sendense itself/;
  await refused(at, qcow2(at.path('a.qcow2'), at.path('state/token')), ours, own);
  await refused(at, qcow2(at.path('b.qcow2'), 'link/token'), ours, own);
  await refused(at, await vmdk(at.path('c.vmdk'), ['RW 2048 FLAT "state/token" 0']), ours, own);
  await symlink(at.path('state/token'), at.path('d.raw'));
  await refused(at, at.path('d.raw'), ours, own);
});

test('what is no file is not opened', async () => {
  await using at = await workshop();
  for (const name of ['nbd://192.0.2.1/x', 'json:{"driver":"file","filename":"/etc/shadow"}', 'ssh://h/x', 'http:x'])
    await refused(at, qcow2(at.path('a.qcow2'), name), /which is not a file/);
  execFileSync('mkfifo', [at.path('pipe')]);
  await refused(at, qcow2(at.path('b.qcow2'), 'pipe'), /neither a regular file nor a block device/);
  await refused(at, qcow2(at.path('c.qcow2'), '/dev/zero'), /neither a regular file nor a block device/);
  await refused(at, qcow2(at.path('d.qcow2'), 'd.qcow2', 'qcow2'), /built on itself/);
  await refused(at, qcow2(at.path('e.qcow2'), 'a.qcow2', 'luks'), /of format "luks"/);
  // Its content would be where a second description says.
  const sparse = Buffer.alloc(1024);
  sparse.write('KDMV');
  await writeFile(at.path('nested'), sparse);
  await refused(at, await vmdk(at.path('f.vmdk'), ['RW 2048 SPARSE "nested"']), /content in other files/);
});

test('a server that has opened another file than those that were judged is stopped', async () => {
  await using at = await workshop();
  const file = await makeRaw(at.path('a.raw'), MiB);
  const reader = spawn('tail', ['-f', file], { stdio: 'ignore' });
  try {
    const { pid = 0 } = reader;
    await until(
      () =>
        execFileSync('ls', ['-l', `/proc/${pid}/fd`])
          .toString()
          .includes(file),
      'it is open',
    );
    const judged = await judgeLayers({ path: file, format: 'raw' }, []);
    await assertOpened(pid, [judged], []);
    await assertOpened(pid, [], [file]);
    await rename(await makeRaw(at.path('b.raw'), MiB), file);
    expect(identityOf(await stat(file, { bigint: true }))).not.toBe(judged.identity);
    const now = await judgeLayers({ path: file, format: 'raw' }, []);
    await expect(assertOpened(pid, [now], [], 100)).rejects.toMatchObject({ code: 'source.changed' });
  } finally {
    reader.kill();
    await once(reader, 'exit');
  }
});

test('a file that a server has open for a moment only is none of its disk', async () => {
  await using at = await workshop();
  await makeRaw(at.path('a.raw'), MiB);
  const reader = spawn('sh', ['-c', 'exec 3<a.raw; echo open; sleep 0.2; exec 3<&-; read rest'], {
    cwd: at.folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  try {
    await once(reader.stdout, 'data');
    await assertOpened(reader.pid ?? 0, [], []);
  } finally {
    reader.kill();
    await once(reader, 'exit');
  }
});

test('a file of ours that a server opens only while it is looked at is none of its disk', async () => {
  await using at = await workshop();
  const script = 'exec 3>strange; echo open; sleep 0.2; exec 4>ours.pid 3<&-; read rest';
  const reader = spawn('sh', ['-c', script], { cwd: at.folder, stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(reader.stdout, 'data');
    await assertOpened(reader.pid ?? 0, [], [at.path('ours.pid')]);
  } finally {
    reader.kill();
    await once(reader, 'exit');
  }
});

test('certificates that Node was reading when a server was started, and left open in it, are none of its disk', async () => {
  await using at = await workshop();
  vi.stubEnv('NODE_EXTRA_CA_CERTS', await makeRaw(at.path('company.pem'), 4096));
  const script = 'exec 3<company.pem; echo open; read rest';
  const reader = spawn('sh', ['-c', script], { cwd: at.folder, stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(reader.stdout, 'data');
    await assertOpened(reader.pid ?? 0, [], [], 100);
    vi.unstubAllEnvs();
    await expect(assertOpened(reader.pid ?? 0, [], [], 100)).rejects.toMatchObject({ code: 'source.changed' });
  } finally {
    vi.unstubAllEnvs();
    reader.kill();
    await once(reader, 'exit');
  }
});

test('a raw disk is read from the file that was judged, whatever takes its name', async () => {
  await using at = await workshop();
  const file = await makeRaw(at.path('a.raw'), MiB, [[0, 4096]]);
  const before = await readFile(file);
  await using source = await openImage(at, imageSpec(file));
  await using disk = await source.disk('0');
  await rename(await makeRaw(at.path('b.raw'), MiB, [[0, 4096]]), file);
  expect((await readFile(disk.rawFile ?? '')).equals(before)).toBe(true);
});
