import { constants, type BigIntStats } from 'node:fs';
import { open, readlink, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, sep } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { mayRead, nameOfParty, partiesOf, writersOf, type Party } from '../../../host/trust/may-read.ts';
import { resolveLinks } from '../../../host/files/resolve-links.ts';
import { qcow2HeaderIn } from '../../../host/images/qcow2-header.ts';
import type { DiskFile } from './disk-file.ts';
import { isNested, vmdkNames } from './vmdk-names.ts';

/** A file that an image is read from. */
export interface JudgedFile {
  /** Absolute, as it was named. */
  readonly path: string;
  readonly block: boolean;
  /** Device and inode: a file that takes its name later is another one. */
  readonly identity: string;
  /** That it takes of its file system. */
  readonly allocatedBytes: number;
}

/** An image, and all that its content comes from. */
export interface JudgedLayer extends JudgedFile {
  /** As QEMU calls it. */
  readonly format: string;
  /** Where a qcow2 keeps its data, if not in itself. */
  readonly dataFile: JudgedFile | null;
  /** Of a VMDK that is a description. */
  readonly extents: readonly JudgedFile[];
  readonly backing: JudgedLayer | null;
}

/** Formats of a backing file that QEMU reads, by the names that headers have for them. */
const formats: ReadonlyMap<string, string> = new Map([
  ['raw', 'raw'],
  ['file', 'raw'],
  ['host_device', 'raw'],
  ['qcow2', 'qcow2'],
  ['vmdk', 'vmdk'],
  ['vhdx', 'vhdx'],
  ['vdi', 'vdi'],
  ['vpc', 'vpc'],
]);

/** More than any chain has. */
const deepest = 200;

interface Judge {
  /** Files and folders of the node or hub itself, without symbolic links. */
  readonly own: readonly string[];
  /** The image that the plan names, without symbolic links. */
  readonly top: string;
}

/** Who names a file, and in which words. */
interface Named {
  /** For messages: `/a.qcow2 names /b.raw as its backing file`. */
  readonly how: string | null;
  readonly by: readonly Party[];
}

/**
 * Looks at an image and at every file that its headers name, before any program opens one. Whoever could have written a header must
 * be allowed to read what it names; root and the user of this process name what they like, but no file of `own`.
 * @param own files and folders of the node or hub itself
 * @throws SendenseError `source.unsupported`, `source.missing`, `file.unreadable`
 */
export async function judgeLayers(
  { path, format }: Pick<DiskFile, 'path' | 'format'>,
  own: readonly string[],
): Promise<JudgedLayer> {
  const kept = await Promise.all(own.map((one) => resolveLinks(one)));
  const { path: top, linkOwners } = await resolveLinks(path);
  const judge = { own: kept.map((one) => one.path), top };
  return layerOf(judge, path, format, { how: null, by: partiesOf(linkOwners) }, []);
}

/**
 * Looks at where a path of the plan leads that is no disk: whoever owns a symbolic link on the way may read the file at its end.
 * @throws SendenseError `source.unsupported`
 */
export async function assertOpenTo(path: string, own: readonly string[]): Promise<void> {
  const kept = await Promise.all(own.map((one) => resolveLinks(one)));
  const { path: real, linkOwners } = await resolveLinks(path);
  if (kept.some((one) => isWithin(real, one.path))) throw refuse(`${path} belongs to Sendense itself`);
  for (const party of partiesOf(linkOwners)) {
    // What is not there is told by whoever reads it.
    const may = await mayRead(party, { path: real, file: real, from: '' }).catch(() => true);
    if (!may) throw unreadableBy(party, path, null);
  }
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);

/** @throws SendenseError `source.changed` where another file has taken its name */
export async function openJudged({ path, identity }: JudgedFile): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (identityOf(await handle.stat({ bigint: true })) === identity) return handle;
  await handle.close();
  throw replaced(path);
}

/** All files of an image, itself first. */
export const filesOf = (layer: JudgedLayer): JudgedFile[] => [
  layer,
  ...(layer.dataFile ? [layer.dataFile] : []),
  ...layer.extents,
  ...(layer.backing ? filesOf(layer.backing) : []),
];

async function layerOf(
  judge: Judge,
  path: string,
  format: string,
  named: Named,
  above: readonly string[],
): Promise<JudgedLayer> {
  const { file, handle, by } = await judgeFile(judge, path, named);
  await using header = handle;
  if (above.includes(file.identity) || above.length >= deepest)
    throw refuse(`${path} is built on itself, or on more than ${deepest} files`);
  const layer = { ...file, format, dataFile: null, extents: [], backing: null };
  const below = (name: string, as: string, what: string): Promise<JudgedLayer> =>
    layerOf(judge, placeOf(path, name, what), as, nameAs(path, name, what, by), [...above, file.identity]);
  const other = async (name: string, what: string, sparse = false): Promise<JudgedFile> => {
    const found = await judgeFile(judge, placeOf(path, name, what), nameAs(path, name, what, by));
    await using opened = found.handle;
    if (sparse && (await isNested(opened))) throw refuse(`${found.file.path} has its content in other files`);
    return found.file;
  };
  if (format === 'qcow2') {
    const { dataFile, backing, backingFormat } = await qcow2Names(path, header);
    return {
      ...layer,
      dataFile: dataFile === null ? null : await other(dataFile, 'data file'),
      backing:
        backing === null ? null : await below(backing, backingFormatOf(path, backing, backingFormat), 'backing file'),
    };
  }
  if (format !== 'vmdk') return layer;
  const names = await vmdkNames(header);
  const extents: JudgedFile[] = [];
  for (const { name, sparse } of names.extents) extents.push(await other(name, 'extent', sparse));
  return {
    ...layer,
    extents,
    backing: names.parent === null ? null : await below(names.parent, 'vmdk', 'parent'),
  };
}

/** Opens a file that somebody named, and says who could have written what it names in turn. */
async function judgeFile(
  { own, top }: Judge,
  path: string,
  { how, by }: Named,
): Promise<{ readonly file: JudgedFile; readonly handle: FileHandle; readonly by: readonly Party[] }> {
  const told = how === null ? path : `${how}, which`;
  try {
    const { path: real, linkOwners } = await resolveLinks(path);
    if (own.some((one) => isWithin(real, one))) throw refuse(`${told} belongs to Sendense itself and is not a disk`);
    const parties = [...by, ...partiesOf(linkOwners)];
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const info = await handle.stat({ bigint: true });
      if (!info.isFile() && !info.isBlockDevice()) throw refuse(`${told} is neither a regular file nor a block device`);
      // The file that is open, whatever takes its name meanwhile.
      const opened = `/proc/self/fd/${handle.fd}`;
      if ((await readlink(opened)) !== real) throw replaced(path);
      for (const party of parties)
        if (!(await mayRead(party, { path: real, file: opened, from: how === null ? '' : top })))
          throw unreadableBy(party, path, how);
      return { file: fileOf(path, info), handle, by: [...parties, ...(await writersOf(opened))] };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw error instanceof SendenseError ? error : unreadable(told, error as NodeJS.ErrnoException);
  }
}

const fileOf = (path: string, info: BigIntStats): JudgedFile => ({
  path,
  block: info.isBlockDevice(),
  identity: identityOf(info),
  allocatedBytes: Number(info.blocks) * 512,
});

/** Of a block device the device that it stands for, whatever its file is called. */
export const identityOf = (info: BigIntStats): string =>
  info.isBlockDevice() ? `block ${info.rdev}` : `${info.dev}:${info.ino}`;

/** @throws SendenseError for a header that cannot be read in full, or names what cannot be told */
async function qcow2Names(
  path: string,
  file: FileHandle,
): Promise<{ dataFile: string | null; backing: string | null; backingFormat: string | null }> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
  const header = qcow2HeaderIn(buffer.subarray(0, bytesRead));
  if (!header) throw refuse(`${path} cannot be read as qcow2: QEMU does not write such a header`);
  const { backing, backingFormat } = header;
  if ((header.incompatibleFeatures & dataFileBit) === 0n) return { dataFile: null, backing, backingFormat };
  if (header.dataFile === null) throw refuse(`${path} keeps its data in another file but does not name that file`);
  return { dataFile: header.dataFile, backing, backingFormat };
}

/** Source: QEMU, docs/interop/qcow2.rst, incompatible features. */
const dataFileBit = 4n;

function backingFormatOf(path: string, backing: string, said: string | null): string {
  if (said === null)
    throw refuse(
      `${path} does not state the format of its backing file ${backing}`,
      'Write the format into the image: qemu-img rebase -u -F FORMAT -b BACKING-FILE IMAGE.',
    );
  const format = formats.get(said);
  if (format === undefined)
    throw refuse(`${path} names ${backing} of format ${JSON.stringify(said)}; Sendense does not read this format`);
  return format;
}

/** QEMU takes a name with a colon before the first slash for a protocol, and so do we: `nbd:…`, `json:…`, `ssh:…`. */
function placeOf(path: string, name: string, what: string): string {
  const plain = name.replace(/^file:/, '');
  if (/^[^/]*:/.test(plain) || plain.includes('\0') || plain === '')
    throw refuse(
      `${path} names ${JSON.stringify(name)} as its ${what}, which is not a file`,
      `Name a file (qemu-img rebase -u -F FORMAT -b FILE ${path}), or copy the disk into one file with qemu-img convert.`,
    );
  // Not by join(): after a folder that a link leads to, `..` is another folder for it than for the kernel and QEMU.
  return isAbsolute(plain) ? plain : `${dirname(path)}/${plain}`;
}

const nameAs = (path: string, name: string, what: string, by: readonly Party[]): Named => ({
  how: `${path} names ${placeOf(path, name, what)} as its ${what}`,
  by,
});

const refuse = (message: string, remedy?: string): SendenseError =>
  new SendenseError('source.unsupported', message, remedy === undefined ? {} : { remedy });

const replaced = (path: string): SendenseError =>
  new SendenseError('source.changed', `${path} was replaced while Sendense examined it`);

function unreadableBy(party: Party, path: string, how: string | null): SendenseError {
  if (how === null)
    return refuse(
      `${path} leads through a symbolic link of ${nameOfParty(party)}, who may not read its target`,
      'Name the file itself in the plan, or make the link as root.',
    );
  return refuse(
    `${how}; ${nameOfParty(party)} could have written that name but may not read the file`,
    'Let them read the file and its folders (chown, chgrp, chmod), let only root write to the image that names it, or copy the disk into one file with qemu-img convert.',
  );
}

function unreadable(told: string, error: NodeJS.ErrnoException): SendenseError {
  const missing = error.code === 'ENOENT' || error.code === 'ENOTDIR';
  return new SendenseError(
    missing ? 'source.missing' : 'file.unreadable',
    missing ? `${told} does not exist` : `${told} cannot be read (${error.code ?? error.message})`,
    { cause: error },
  );
}
