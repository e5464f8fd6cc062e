import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { closeSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32c } from '../../src/files/guest/ext/crc32c.ts';
import { DeviceWindow } from '../../src/files/guest/ext/device-window.ts';
import { ExtVolume, NotPlain } from '../../src/files/guest/ext/ext-volume.ts';
import { paxHeaders } from '../../src/files/archive/pax.ts';

it('CRC-32C of the nine digits is that of the standard', () => {
  expect((crc32c(0xffffffff, Buffer.from('123456789')) ^ 0xffffffff) >>> 0).toBe(0xe3069283);
});

describe('an ext4 that is read in large pieces', () => {
  let folder: string;
  let image: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'e-'));
    image = join(folder, 'image');
    await writeFile(join(folder, 'a file'), 'content');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const make = async (...features: readonly string[]): Promise<void> => {
    await rm(image, { force: true });
    await writeFile(image, '');
    await truncate(image, 64 * 2 ** 20);
    await execa('mkfs.ext4', ['-q', '-b', '4096', ...features, image]);
    await execa('debugfs', ['-w', '-R', `write "${join(folder, 'a file')}" name`, image]);
  };
  const withVolume = <T>(act: (volume: ExtVolume) => T): T => {
    const file = openSync(image, 'r');
    try {
      return act(new ExtVolume(new DeviceWindow(file)));
    } finally {
      closeSync(file);
    }
  };
  const content = (volume: ExtVolume): string => {
    const [entry] = volume.namesIn(volume.inode(2)).filter(({ name }) => name.equals(Buffer.from('name')));
    const inode = volume.inode(entry?.number ?? 0);
    const [run] = volume.runsOf(inode);
    return volume.bytes(run?.physical ?? 0, 0, inode.size).toString();
  };

  it.each([
    ['as it comes', []],
    ['with blocks of 1 KiB', ['-b', '1024']],
    ['without checksums', ['-O', '^metadata_csum']],
    ['with 32 bits', ['-O', '^64bit']],
  ])('%s gives a file', async (_what, features) => {
    await make(...features);
    expect(withVolume(content)).toBe('content');
  });

  it.each([
    ['without extents', ['-O', '^extents,^64bit']],
    ['with content in inodes', ['-O', 'inline_data']],
    ['with clusters', ['-O', 'bigalloc']],
  ])('%s is left to the kernel', async (_what, features) => {
    await make(...features);
    expect(() => withVolume(content)).toThrow(NotPlain);
  });

  it('an inode whose checksum is another one is left to the kernel', async () => {
    await make();
    const at = withVolume((volume) => volume.inode(2).number);
    expect(at).toBe(2);
    const { stdout } = await execa('debugfs', ['-R', 'imap name', image]);
    const [, block = '', offset = ''] = /block (\d+), offset 0x([0-9a-f]+)/.exec(stdout) ?? [];
    await using file = await open(image, 'r+');
    // Its owner, by one bit.
    await file.write(Buffer.from([1]), 0, 1, Number(block) * 4096 + Number.parseInt(offset, 16) + 2);
    expect(() => withVolume(content)).toThrow(NotPlain);
  });

  it('is not read beyond the end of the device', async () => {
    await make();
    expect(() => withVolume((volume) => volume.bytes(64 * 256, 0, 1))).toThrow(RangeError);
  });
});

describe('headers of an archive', () => {
  const entry = { name: Buffer.from('./a'), type: '0', mode: 0o644, uid: 1, gid: 2, size: 7 } as const;

  it('are one block where that has room for all', () => {
    expect(paxHeaders({ ...entry, mtime: { seconds: 5, nanoseconds: 0 } })).toHaveLength(512);
  });

  it.each([
    [{ seconds: 5, nanoseconds: 1 }, '21 mtime=5.000000001\n'],
    [{ seconds: -5, nanoseconds: 500_000_000 }, '14 mtime=-4.5\n'],
    [{ seconds: -1, nanoseconds: 1 }, '22 mtime=-0.999999999\n'],
    [{ seconds: 2 ** 34, nanoseconds: 0 }, '21 mtime=17179869184\n'],
  ])('tell the time %o', (mtime, text) => {
    const headers = paxHeaders({ ...entry, mtime });
    expect(headers.subarray(512).toString('latin1').replace(/\0.*/s, '')).toBe(text);
  });

  it('tell long names and large owners beside', () => {
    const name = Buffer.concat([Buffer.from(`./${'n'.repeat(200)}`), Buffer.from([0xe9])]);
    const headers = paxHeaders({ ...entry, name, uid: 4_000_000, mtime: { seconds: 5, nanoseconds: 0 } });
    expect(headers.includes(Buffer.concat([Buffer.from('213 path='), name, Buffer.from('\n')]))).toBe(true);
    expect(headers.includes('15 uid=4000000\n')).toBe(true);
  });
});
