/**
 * A VM of two disks that lives in files: partition tables, ext4, and files that change, all without root and without
 * mounting anything. `disk0.raw` is a raw image with two partitions, `disk1.qcow2` a qcow2 image with one.
 */
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

const sector = 512;
const MiB = 1024 ** 2;

interface Partition {
  readonly name: string;
  /** Bytes from the start of the disk. */
  readonly start: number;
  readonly size: number;
}

const disk0 = {
  size: 128 * MiB,
  boot: { name: 'boot', start: MiB, size: 16 * MiB },
  root: { name: 'root', start: 17 * MiB, size: 110 * MiB },
};
const disk1 = { size: 64 * MiB, data: { name: 'data', start: MiB, size: 62 * MiB } };

/** Files by path inside a file system; null: the file is removed. */
export type Files = Readonly<Record<string, string | null>>;

export interface DemoVm {
  /** The disks, as the plan names them. */
  readonly disks: readonly [string, string];
  /** Writes and removes files inside the guest's file systems, as the guest would. */
  change(files: { readonly root?: Files; readonly data?: Files }): Promise<void>;
  /** Raw copies of both disks as they are now. */
  copyTo(folder: string): Promise<readonly [string, string]>;
}

export async function makeDemoVm(folder: string): Promise<DemoVm> {
  const raw0 = join(folder, 'disk0.raw');
  const qcow1 = join(folder, 'disk1.qcow2');
  const work = join(folder, '.work');
  const raw1 = join(work, 'disk1.raw');
  await mkdir(work, { recursive: true });

  await makePartitions(raw0, disk0.size, [disk0.boot, disk0.root]);
  await makePartitions(raw1, disk1.size, [disk1.data]);
  const kernel = {
    '/vmlinuz': noise(2 * MiB),
    '/grub/grub.cfg': 'set default=0\nmenuentry "Demo" { linux /vmlinuz }\n',
  };
  const system = { '/etc/hostname': 'pgtest1\n', '/etc/motd': 'version 1\n', '/usr/lib/server.bin': noise(24 * MiB) };
  await makeFileSystem(raw0, disk0.boot, work, kernel);
  await makeFileSystem(raw0, disk0.root, work, system);
  await makeFileSystem(raw1, disk1.data, work, { '/orders/001.txt': 'ten apples\n', '/archive.bin': noise(12 * MiB) });
  await execa('qemu-img', ['convert', '-q', '-f', 'raw', '-O', 'qcow2', raw1, qcow1]);

  return {
    disks: [raw0, qcow1],
    change: async ({ root = {}, data = {} }) => {
      await changeFiles(raw0, disk0.root, work, root);
      await changeFiles(raw1, disk1.data, work, data);
      // -n: into the image that is there, as a guest writes, instead of a new one.
      await execa('qemu-img', ['convert', '-q', '-n', '-f', 'raw', '-O', 'qcow2', raw1, qcow1]);
    },
    copyTo: async (target) => {
      const copies = [join(target, 'disk0.raw'), join(target, 'disk1.raw')] as const;
      await mkdir(target, { recursive: true });
      await execa('cp', ['--sparse=always', raw0, copies[0]]);
      await execa('qemu-img', ['convert', '-q', '-O', 'raw', qcow1, copies[1]]);
      return copies;
    },
  };
}

/** A file inside a raw disk image, read without mounting; null when there is none. */
export async function readGuestFile(image: string, where: 'root' | 'data', path: string): Promise<string | null> {
  const partition = where === 'root' ? disk0.root : disk1.data;
  const { stdout, stderr } = await execa('debugfs', ['-R', `cat ${path}`, `${image}?offset=${partition.start}`]);
  return stderr.includes('File not found') ? null : stdout;
}

/** Random text, so that it is data to every tool. */
function noise(size: number): string {
  const bytes = new Uint8Array((size / 4) * 3);
  for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return Buffer.from(bytes).toString('base64');
}

async function makePartitions(image: string, size: number, partitions: readonly Partition[]): Promise<void> {
  await writeFile(image, '');
  await truncate(image, size);
  const lines = partitions.map(
    ({ name, start, size: length }) => `start=${start / sector}, size=${length / sector}, name=${name}`,
  );
  await execa('sfdisk', ['--quiet', image], { input: ['label: gpt', 'unit: sectors', ...lines, ''].join('\n') });
}

async function makeFileSystem(image: string, partition: Partition, work: string, files: Files): Promise<void> {
  const tree = join(work, partition.name);
  for (const [path, text] of Object.entries(files)) {
    const file = join(tree, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text ?? '');
  }
  const options = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', partition.name, '-d', tree];
  await execa('mke2fs', [
    ...options,
    '-E',
    `offset=${partition.start},root_owner=0:0`,
    image,
    `${partition.size / 1024}k`,
  ]);
  await rm(tree, { recursive: true });
}

/** debugfs writes into the file system inside the image; it reports errors on stderr only. */
async function changeFiles(image: string, partition: Partition, work: string, files: Files): Promise<void> {
  const commands: string[] = [];
  for (const [index, [path, text]] of Object.entries(files).entries()) {
    commands.push(`rm ${path}`);
    if (text === null) continue;
    const source = join(work, `file-${index}`);
    await writeFile(source, text);
    commands.push(`write ${source} ${path}`);
  }
  if (commands.length === 0) return;
  const script = join(work, 'commands');
  await writeFile(script, `${commands.join('\n')}\n`);
  const { stderr } = await execa('debugfs', ['-w', '-f', script, `${image}?offset=${partition.start}`]);
  const errors = stderr.split('\n').filter((line) => line !== '' && !/^debugfs [0-9]|File not found/.test(line));
  if (errors.length > 0) throw new Error(`debugfs: ${errors.join('; ')}`);
}
