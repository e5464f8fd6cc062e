import { execa } from 'execa';
import { closeSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { imageTarget, overlayTarget, secretFile, type ImageKey } from '../../../src/host/images/image-options.ts';
import { openSecret } from '../../../src/host/images/secret-descriptor.ts';
import {
  checkImage,
  convertImage,
  createOverlay,
  createQcow2,
  imageInfo,
  mapImage,
} from '../../../src/host/images/qemu-img.ts';
import { serveNbd } from '../../../src/host/nbd/qemu-nbd.ts';
import { runTool } from '../../../src/host/programs/process.ts';
import { MiB } from '../disk-images.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';
import { hurryKdf } from '../../support/hurried-kdf.ts';

hurryKdf();

const key: ImageKey = { id: '0'.repeat(16), passphrase: 'a passphrase of many characters, with spaces' };
const wrong: ImageKey = { id: '1'.repeat(16), passphrase: 'another one of many characters' };

/** `a` and on top of it `b`, both encrypted; each holds a piece of its own. */
async function chain(folder: TemporaryFolder): Promise<{ a: string; b: string }> {
  const [a, b] = [folder.file('a.qcow2'), folder.file('b.qcow2')];
  await createQcow2(a, 4 * MiB, null, undefined, key);
  await write(a, 'write -P 1 0 1M');
  await createQcow2(b, 4 * MiB, 'a.qcow2', undefined, key);
  await write(b, 'write -P 2 2M 64k');
  return { a, b };
}

async function write(file: string, command: string): Promise<void> {
  const { name, objects, secret } = await imageTarget(file, { key });
  await runTool('qemu-io', [...objects, '-c', command, name], { secret });
}

describe('imageTarget', () => {
  test('a chain is checked, mapped, converted and served with its key', async () => {
    await using folder = await temporaryFolder();
    const { b } = await chain(folder);
    const target = await imageTarget(b, { key });
    expect(await checkImage(target)).toMatchObject({ ok: true });
    expect((await mapImage(target)).filter(({ data }) => data).map(({ start, depth }) => [start, depth])).toEqual([
      [0, 1],
      [2 * MiB, 0],
    ]);
    const alone = await mapImage(await imageTarget(b, { key, alone: true }));
    expect(alone.filter(({ present }) => present).map(({ start }) => start)).toEqual([2 * MiB]);
    await convertImage({ from: target, to: folder.file('out'), toFormat: 'raw' });
    const compare = ['compare', ...target.objects, '--image-opts'];
    expect(compare).toContain('--object');
    await using server = await serveNbd({
      file: b,
      format: 'qcow2',
      image: target,
      readOnly: true,
      listen: { socket: folder.file('s') },
      exportName: '',
      pidFile: folder.file('pid'),
    });
    const same = await execa('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', folder.file('out'), server.uri]);
    expect(same.exitCode).toBe(0);
  });

  test('a plain overlay of an encrypted chain is opened with the key', async () => {
    await using folder = await temporaryFolder();
    const { b } = await chain(folder);
    await createOverlay(folder.file('top'), b, 4 * MiB);
    const target = await overlayTarget(folder.file('top'), b, { key, encrypted: false });
    expect(await mapImage(target)).toContainEqual(expect.objectContaining({ start: 2 * MiB, depth: 1 }));
    expect(await imageInfo(folder.file('top'), { format: 'qcow2' })).toMatchObject({ encrypted: false });
  });

  test('without the key, or with another one, nothing opens', async () => {
    await using folder = await temporaryFolder();
    const { a, b } = await chain(folder);
    await expect(imageTarget(b, { alone: true })).rejects.toMatchObject({ code: 'repository.key' });
    await expect(mapImage(b)).rejects.toMatchObject({ code: 'tool.failed' });
    await expect(imageTarget(folder.file('none'), { key })).rejects.toMatchObject({ code: 'file.unreadable' });
    expect(await checkImage(await imageTarget(b, { key: wrong }))).toMatchObject({
      ok: false,
      message: expect.stringContaining('Invalid password') as string,
    });
    await expect(mapImage(await imageTarget(a, { key: wrong }))).rejects.toMatchObject({ code: 'tool.failed' });
    expect(await imageInfo(a, { format: 'qcow2' })).toMatchObject({ encrypted: true, virtualSize: 4 * MiB });
  });
});

describe('a chain that is not encrypted', () => {
  /** `0` to `count - 1`, each on the one before, with one byte of its own. */
  async function plain(folder: TemporaryFolder, count: number): Promise<string> {
    for (let at = 0; at < count; at++)
      await createQcow2(folder.file(`${at}.qcow2`), 4 * MiB, at === 0 ? null : `${at - 1}.qcow2`);
    return folder.file(`${count - 1}.qcow2`);
  }

  test('is described file by file, so that no header counts', async () => {
    await using folder = await temporaryFolder();
    const { name, format } = await imageTarget(await plain(folder, 3));
    const layer = (at: number, backing: object | null): object => ({
      driver: 'qcow2',
      file: { driver: 'file', filename: folder.file(`${at}.qcow2`) },
      backing,
    });
    expect(JSON.parse(name.slice('json:'.length))).toEqual(layer(2, layer(1, layer(0, null))));
    expect(format).toEqual([]);
  });

  test('of many files goes by the headers at its end, and is the same disk', async () => {
    await using folder = await temporaryFolder();
    const top = await plain(folder, 40);
    await write(folder.file('0.qcow2'), 'write -P 9 1M 64k');
    const held = (await mapImage(await imageTarget(top))).filter(({ data }) => data);
    expect(held).toEqual([expect.objectContaining({ start: MiB, length: 65_536, depth: 39 })]);
  });

  test('that is built on itself is refused, whoever put it there', async () => {
    await using folder = await temporaryFolder();
    await plain(folder, 2);
    await execa('qemu-img', ['rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', '1.qcow2', folder.file('0.qcow2')]);
    await expect(imageTarget(folder.file('1.qcow2'))).rejects.toMatchObject({
      code: 'chain.damaged',
      message: expect.stringContaining('is built on itself') as string,
    });
  });
});

test('a secret has no name, and the program reads it more than once', async () => {
  const descriptor = openSecret('the secret');
  expect(readlinkSync(`/proc/self/fd/${descriptor}`)).toMatch(/^\/dev\/shm\/\.sendense-\S+ \(deleted\)$/);
  closeSync(descriptor);
  const read = await runTool('cat', [secretFile, secretFile], { secret: 'the secret' });
  expect(read.stdout).toBe('the secretthe secret');
});
