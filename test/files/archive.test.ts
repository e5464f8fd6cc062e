import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PartsReader, PartsWriter } from '../../src/files/archive/parts.ts';
import { PutTogether } from '../../src/files/archive/put-together.ts';
import type { Piece } from '../../src/files/guest/device-map.ts';
import { quickTar } from '../../src/files/guest/ext/quick-tar.ts';
import { openStored } from '../../src/files/reader/stored-files.ts';
import { canMount } from '../support/loop-mount.ts';
import { bytesOf, canRead, openImages, type OpenImage } from './reader-of.ts';

/** All that an archive can get wrong. */
const fill = `
set -e
mkdir plain empty many deep
for i in $(seq 2000); do echo "$i" > "many/name of some length, number $i"; done
head -c 100 /dev/urandom > plain/a
head -c 5000 /dev/urandom > plain/b
head -c 9000000 /dev/urandom > plain/big
: > plain/none
chmod 4751 plain/a; chown 12:34 plain/a; chown 4000000:3000000 plain/b; chmod 1777 empty
ln plain/b plain/hard; ln plain/b many/hard
ln -s a plain/short; ln -s "$(printf 'x/%.0s' $(seq 100))end" plain/long; ln -s "$(printf '\\351')" plain/latin
touch -h -d '1969-12-31 23:59:58.5' plain/short; touch -d '1931-02-03 04:05:06.700000001' plain/none
touch -d '2106-02-08 01:02:03.987654321' plain/big; touch -d '2020-01-01' plain/a
touch "$(printf 'plain/latin-\\351')" "$(printf 'plain/new\\nline')" "plain/$(printf 'n%.0s' $(seq 255))" 'plain/* [x] \\ "' plain/-rf
mkdir "deep/$(printf 'd%.0s' $(seq 200))"; echo deep > "deep/$(printf 'd%.0s' $(seq 200))/$(printf 'e%.0s' $(seq 200))"
truncate -s 50M plain/sparse; echo data | dd of=plain/sparse bs=1M seek=20 conv=notrunc status=none
fallocate -l 1M plain/reserved; echo written | dd of=plain/reserved conv=notrunc status=none
mkfifo plain/fifo; mknod plain/null c 1 3; mknod plain/disk b 8 300
setfattr -n user.colour -v blue plain/a; setfattr -n user.big -v "$(head -c 3000 /dev/zero | tr '\\0' x)" plain/none
setfattr -n user.folder -v yes empty; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 many/hard
setfacl -m u:1234:rw plain/big; setfacl -d -m g:55:rx empty
`;

/** Puts an archive together. @param files that content lies in, before those that the parts name */
async function together(parts: readonly Buffer[], files: readonly string[]): Promise<Buffer> {
  const made: Buffer[] = [];
  const named = [...files];
  await using stored = openStored();
  const archive = new PutTogether({
    read: (from, offset, target) => stored.read({ file: named[from] ?? '', offset }, target),
    onBytes: (piece) => void made.push(piece),
  });
  const reader = new PartsReader();
  for (const part of parts.flatMap((one) => [...reader.add(one)])) {
    if (Buffer.isBuffer(part)) await archive.bytes(part);
    else if ('file' in part) named.push(part.file);
    else for (const entry of part) await archive.entry(entry);
  }
  reader.end();
  await archive.end();
  return Buffer.concat(made);
}

/** What can be compared of a tree, each line one thing of one file. */
async function describeTree(folder: string): Promise<string> {
  const script = `
find . -mindepth 1 -not -path ./lost+found -printf '%P|%y|%m|%U|%G|%n|%T@|%l\\n' | sort
find . -type f -printf '%P|%s\\n' | sort
find . -type b -o -type c | sort | xargs -r stat -c '%n|%t:%T'
find . -type f -print0 | sort -z | xargs -0 sha256sum
find . -mindepth 1 -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex
`;
  const { stdout } = await execa('bash', ['-c', script], { cwd: folder, env: { LC_ALL: 'C' }, encoding: 'latin1' });
  return stdout;
}

describe.skipIf(!canRead || !canMount)('an archive of ext4', () => {
  let folder: string;
  let image: OpenImage;
  let original: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'a-'));
    const file = join(folder, 'disk.raw');
    const part = join(folder, 'part');
    const on = join(folder, 'on');
    await writeFile(part, '');
    await truncate(part, 200 * 2 ** 20);
    await execa('mkfs.ext4', ['-q', '-b', '4096', '-I', '256', part]);
    await mkdir(on);
    await execa('mount', ['-o', 'loop', part, on]);
    try {
      await execa('bash', ['-c', fill], { cwd: on });
      original = await describeTree(on);
    } finally {
      await execa('umount', [on]);
    }
    await writeFile(file, '');
    await truncate(file, 202 * 2 ** 20);
    await execa('sfdisk', ['-q', file], { input: 'label: gpt\nstart=2048,size=409600\n' });
    await execa('dd', [`if=${part}`, `of=${file}`, 'bs=1M', 'seek=1', 'conv=notrunc,sparse', 'status=none']);
    image = await openImages(file);
  });
  afterAll(async () => {
    await image?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const archive = async (name: string, ...paths: readonly string[]): Promise<string> => {
    const file = join(folder, name);
    const stream = createWriteStream(file);
    const ask = { volume: image.volumes[0]?.id ?? '', paths: paths.map(bytesOf) };
    await image.reader.archive(ask, { onBytes: (piece) => void stream.write(piece) });
    stream.end();
    await finished(stream);
    return file;
  };

  it('gives back everything that the file system had', async () => {
    const file = await archive('all.tar', '');
    const back = join(folder, 'back');
    await mkdir(back);
    const words = [
      '-xpf',
      file,
      '--numeric-owner',
      '--same-owner',
      '--xattrs',
      '--xattrs-include=*',
      '--acls',
      '-C',
      back,
    ];
    await execa('tar', words);
    await rm(join(back, 'lost+found'), { recursive: true });
    expect((await describeTree(back)).split('\n')).toEqual(original.split('\n'));
  });

  it('leaves to tar what is not plain, and no more', async () => {
    let bytes = 0;
    const parts = new PartsWriter({ write: async (piece) => void (bytes += piece.length) });
    const left = await quickTar(join(folder, 'part'), [{ name: Buffer.from('.'), number: 2 }], { parts, pieces: null });
    await parts.end();
    expect(left?.whole).toEqual([]);
    const single = left?.single.map(String).filter((name) => name !== '.') ?? [];
    const below = 'a b big disk fifo hard long none null reserved sparse'.split(' ').map((name) => `./plain/${name}`);
    expect(single.toSorted()).toEqual(['./empty', './many', './many/hard', './plain', ...below]);
    expect(bytes).toBeGreaterThan(2000 * 1024);
  });

  it('is the same, whether content is handed over, read from the server of the disk, or where it lies', async () => {
    const ways: Buffer[] = [await quickly(null), await quickly([{ start: 0, bytes: 2 ** 40, slot: 0, offset: 0 }])];
    expect(ways[0]?.length).toBeGreaterThan(2000 * 1024);
    expect(ways[1]?.equals(ways[0] ?? Buffer.alloc(0))).toBe(true);
    image.fromFiles = false;
    const served = await readFile(await archive('served.tar', 'many', 'deep'));
    image.fromFiles = true;
    const stored = await readFile(await archive('stored.tar', 'many', 'deep'));
    expect(stored.equals(served)).toBe(true);
    expect((await inParts('many', 'deep')).equals(stored)).toBe(true);
  });

  /** What is plain. @param pieces where the content is read from; null: it is handed over */
  async function quickly(pieces: readonly Piece[] | null): Promise<Buffer> {
    const told: Buffer[] = [];
    const parts = new PartsWriter({ write: async (piece) => void told.push(Buffer.from(piece)) });
    await quickTar(join(folder, 'part'), [{ name: Buffer.from('.'), number: 2 }], { parts, pieces });
    await parts.end();
    return await together(told, [join(folder, 'part')]);
  }

  /** As a command does it, which reads the files of the restore point itself. */
  async function inParts(...paths: readonly string[]): Promise<Buffer> {
    const told: Buffer[] = [];
    let announced = 0;
    const asked = { volume: image.volumes[0]?.id ?? '', paths: paths.map(bytesOf) };
    await image.reader.archive(asked, {
      onBytes: (piece) => void told.push(Buffer.from(piece)),
      inParts: (bytes) => void (announced += bytes),
    });
    const made = await together(told, []);
    expect(Buffer.concat(told).length).toBeLessThan(made.length / 2);
    expect(announced).toBe(made.length);
    return made;
  }

  it('keeps holes', async () => {
    const file = await archive('sparse.tar', 'plain/sparse');
    const { stdout } = await execa('stat', ['-c', '%s', file]);
    expect(Number(stdout)).toBeLessThan(2 ** 20);
  });

  it('has the paths that were asked for, once each, and one end', async () => {
    const file = await archive('some.tar', 'many/name of some length, number 7', 'empty', 'plain/a');
    const { stdout } = await execa('tar', ['-tf', file]);
    expect(stdout.split('\n').toSorted()).toEqual(['./empty/', './many/name of some length, number 7', './plain/a']);
  });
});
