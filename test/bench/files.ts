import { createWriteStream, readFileSync } from 'node:fs';
import { copyFile, mkdir, open, rm, truncate, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { bytesOf, waitingReader, type WaitingReader } from '../files/reader-of.ts';
import { liveProcesses } from '../../src/host/programs/process-identity.ts';
import { fixture, program, type Fixture } from './fixture.ts';
import { compete, printTable, type Contender } from './measure.ts';

const MiB = 1024 * 1024;
const parts = 20;
/** So long a spare waits before somebody needs it, ms. */
const waitMs = 4000;

/** Files of a restore point: the first listing, one large file, many small ones. Beside them what a user with a mounted copy has. */
export async function files(bytes: number, count: number, rounds: number): Promise<void> {
  await using work = await fixture(MiB);
  const image = await makeDisk(work, bytes, count);
  const many = await makeParts(work);
  const listings = [
    first('one partition, a spare waits (target: 0.3 s)', image),
    first('20 partitions, a spare waits (target: 1 s)', many),
  ];
  await backUp(work, image);
  printTable(
    'The first listing of a disk',
    await compete([...listings, cold(image), byCommand(work), ...(await guestfish(image))], rounds),
  );
  await using reader = await waitingReader();
  const [volume] = await reader.plug(image);
  const id = volume?.id ?? '';
  await reader.reader.ask('open', { volume: id });
  const convert = 'bare qemu-img convert of the same bytes';
  await using _session = await opened(work);
  const large = await compete(
    [
      converting(convert, work),
      commanded(work),
      getting(work, reader, id, 'guest'),
      getting(work, reader, id, 'disk'),
      getting(work, reader, id, 'file'),
    ],
    rounds,
  );
  printTable(`One file of ${bytes / MiB} MiB to a file (target: 1.67)`, large, convert);
  await using _mounted = await mounted(work, image);
  const bare = 'tar of a mounted copy';
  const small = await compete([tarring(bare, work), taking(work, reader, id), archiving(work)], rounds);
  printTable(`${count} small files as tar to a file (target: 2)`, small, bare);
  printMemory(work);
}

/** ext4 in a partition, with `large` and a folder `many`. */
async function makeDisk(work: Fixture, bytes: number, count: number): Promise<string> {
  const tree = work.path('tree');
  await mkdir(work.path('tree', 'many'), { recursive: true });
  await execa('dd', ['if=/dev/urandom', `of=${work.path('tree', 'large')}`, 'bs=1M', `count=${bytes / MiB}`]);
  for (let folder = 0; folder * 1000 < count; folder++) {
    await mkdir(work.path('tree', 'many', `${folder}`));
    for (let index = folder * 1000; index < Math.min(count, (folder + 1) * 1000); index++)
      await writeFile(
        work.path('tree', 'many', `${folder}`, `file-${index}.txt`),
        Buffer.alloc((index * 37) % 8000, `${index} `),
      );
  }
  const size = bytes * 1.2 + count * 20_000 + 128 * MiB;
  const image = await withTable(work, 'one.raw', Math.ceil(size / MiB), 1);
  await execa('mkfs.ext4', ['-q', '-d', tree, '-E', `offset=${MiB}`, image, `${Math.floor(size / 1024)}k`]);
  return image;
}

async function makeParts(work: Fixture): Promise<string> {
  const image = await withTable(work, 'twenty.raw', 64, parts);
  for (let part = 0; part < parts; part++)
    await execa('mkfs.ext4', ['-q', '-F', '-E', `offset=${MiB + part * 64 * MiB}`, image, '65536k']);
  return image;
}

/** A raw disk of partitions that are as large as one another. */
async function withTable(work: Fixture, name: string, mebibytes: number, count: number): Promise<string> {
  const image = work.path(name);
  await writeFile(image, '');
  await truncate(image, (mebibytes * count + 3) * MiB);
  await execa('sfdisk', ['-q', image], { input: `label: gpt\n${`size=${mebibytes}MiB\n`.repeat(count)}` });
  return image;
}

async function list({ reader, plug }: WaitingReader, image: string): Promise<void> {
  const [volume] = await plug(image);
  await reader.ask('list', { volume: volume?.id ?? '', path: '', after: null, limit: 1000 });
}

function first(name: string, image: string): Contender {
  let waiting: WaitingReader | undefined;
  return {
    name,
    async prepare() {
      waiting = await waitingReader();
      await delay(waitMs);
    },
    run: async () => void (waiting && (await list(waiting, image))),
    clean: async () => waiting?.[Symbol.asyncDispose](),
  };
}

function cold(image: string): Contender {
  let waiting: WaitingReader | undefined;
  return {
    name: 'one partition, cold (target: 3 s)',
    async run() {
      waiting = await waitingReader();
      await list(waiting, image);
    },
    clean: async () => waiting?.[Symbol.asyncDispose](),
  };
}

/** As a user sees it: the start of the command too, and all that opening a restore point takes. */
const byCommand = (work: Fixture): Contender => ({
  name: 'one partition, a spare waits, `sendense-run files ls`',
  async prepare() {
    await work.sendense('files', 'pgtest1');
    await work.sendense('files', 'close', '--all');
    await delay(waitMs);
  },
  run: async () => void (await work.sendense('files', 'ls', 'pgtest1', '/')),
});

/** What a user would take instead: a machine of its own for each look. Left out where it is not installed. */
async function guestfish(image: string): Promise<Contender[]> {
  const { failed } = await execa('guestfish', ['--version'], { reject: false });
  const words = ['--ro', '-a', image, '-m', '/dev/sda1', 'ls', '/'];
  const run = async (): Promise<void> => void (await execa('guestfish', words, { timeout: 600_000 }));
  return failed ? [] : [{ name: 'guestfish (libguestfs)', run }];
}

/** The most that the process held which keeps the restore point open, through all of the commands above. Source: proc_pid_status(5). */
function printMemory({ folder }: Fixture): void {
  const keeper = [...liveProcesses()].find(
    ({ argv }) => argv.includes('keep') && argv.some((word) => word.startsWith(folder)),
  );
  const status = keeper ? readFileSync(`/proc/${keeper.identity.pid}/status`, 'utf8') : '';
  const kib = Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(status)?.[1] ?? Number.NaN);
  console.log(`\nMemory of the hub, peak: ${(kib / 1024).toFixed(0)} MB (target: 150)`);
}

const converting = (name: string, work: Fixture): Contender => ({
  name,
  run: async () =>
    void (await execa('qemu-img', ['convert', '-O', 'raw', work.path('tree', 'large'), work.path('out')])),
  clean: () => rm(work.path('out')),
});

/** A restore point with the disk. */
async function backUp(work: Fixture, image: string): Promise<void> {
  const vm = { name: 'pgtest1', source: { type: 'image', disks: [{ path: image }] } };
  const plan = { version: 1, kind: 'backup', name: 'pgtest1', mode: 'full', vm, repository: 'primary' };
  await writeFile(work.path('plan.yaml'), JSON.stringify(plan));
  await work.sendense('plan.yaml');
}

/** It is open, and nothing of it stays. */
async function opened(work: Fixture): Promise<AsyncDisposable> {
  await work.sendense('files', 'pgtest1');
  return { [Symbol.asyncDispose]: async () => void (await work.sendense('files', 'close', '--all')) };
}

const commanded = (work: Fixture): Contender => ({
  name: 'ours, `files get` of an open restore point',
  run: async () => void (await work.sendense('files', 'get', 'pgtest1', '/large', '--to', work.path('got'))),
  clean: () => rm(work.path('got'), { recursive: true }),
});

const ways = {
  guest: 'the reader, through its kernel',
  disk: 'the reader, from the server of the disk',
  file: 'the reader, from the files of the restore point',
};

const getting = (work: Fixture, waiting: WaitingReader, volume: string, how: keyof typeof ways): Contender => ({
  name: ways[how],
  async run() {
    const { reader } = waiting;
    waiting.fromFiles = how === 'file';
    await using file = await open(work.path('out'), 'w');
    const ask = { volume, path: bytesOf('large'), offset: 0, length: null };
    let at = 0;
    const onBytes = async (piece: Buffer): Promise<void> => {
      await file.write(piece, 0, piece.length, at);
      at += piece.length;
    };
    const onHole = (length: number): void => void (at += length);
    if (how === 'guest') await reader.ask('read', ask, { onBytes });
    else await reader.read(ask, { onBytes, onHole });
  },
  clean: () => rm(work.path('out')),
});

async function mounted(work: Fixture, image: string): Promise<AsyncDisposable> {
  const copy = work.path('copy.raw');
  await copyFile(image, copy);
  await mkdir(work.path('on'));
  await execa('mount', ['-o', `loop,ro,offset=${MiB}`, copy, work.path('on')]);
  return { [Symbol.asyncDispose]: async () => void (await execa('umount', [work.path('on')])) };
}

const tarring = (name: string, work: Fixture): Contender => ({
  name,
  run: async () =>
    void (await execa('tar', [
      '-cf',
      work.path('out'),
      '--format=pax',
      '--xattrs',
      '--acls',
      '--sparse',
      '-C',
      work.path('on'),
      'many',
    ])),
  clean: () => rm(work.path('out')),
});

const archiving = (work: Fixture): Contender => ({
  name: 'ours, `files get --to -` of an open restore point',
  run: async () =>
    void (await execa(program, ['files', 'get', 'pgtest1', '/many', '--to', '-'], {
      cwd: work.folder,
      stdout: { file: work.path('out') },
      buffer: false,
    })),
  clean: () => rm(work.path('out')),
});

const taking = (work: Fixture, { reader }: WaitingReader, volume: string): Contender => ({
  name: 'ours',
  async run() {
    const stream = createWriteStream(work.path('out'));
    const onBytes = (piece: Buffer): Promise<void> =>
      new Promise((resolve) => void stream.write(piece, () => resolve()));
    await reader.archive({ volume, paths: [bytesOf('many')] }, { onBytes });
    stream.end();
    await finished(stream);
  },
  clean: () => rm(work.path('out')),
});
