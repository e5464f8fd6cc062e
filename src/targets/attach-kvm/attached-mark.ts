import { createHash } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsyncFolder, writeNewFile } from '../../host/files/files.ts';
import { validatorOf } from '../../schemas/validator.ts';
import type { AttachedMark } from '../../schemas/types.ts';

/** Beside the disks: what they are, and whose. */
export const markFile = 'sendense-attached.json';

/** The mark that will replace it, for a moment. */
export const nextMark = `${markFile}.new`;

/** What a mark may take, bytes. */
const most = 64 * 1024;

/** virtio carries 20 characters of a serial number. */
const serialForm = /^sendense-[0-9a-f]{11}$/;

/** What the guest and libvirt see of our mark: of this disk, made by this run, for this VM. */
export const serialOf = (run: string, disk: string, domain: string): string =>
  `sendense-${digestOf([run, disk, domain]).slice(0, 11)}`;

const digestOf = (words: readonly string[]): string => createHash('sha256').update(JSON.stringify(words)).digest('hex');

/** What libvirt calls the disk of a restore point: a VM has no two of one alias (libvirt.org/formatdomain.html, `ua-`). */
export const aliasOf = (point: string, disk: string): string => `ua-sendense-${digestOf([point, disk]).slice(0, 16)}`;

export const isSerial = (text: string | null): text is string => text !== null && serialForm.test(text);

export const markText = (mark: AttachedMark): string => `${JSON.stringify(mark, null, 2)}\n`;

/** The mark in a folder; null: there is none that can be read. */
export const readMark = (folder: string): Promise<AttachedMark | null> => readMarkFile(join(folder, markFile));

export async function readMarkFile(file: string): Promise<AttachedMark | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : markIn(text);
}

/** Puts it in the place of the one that is there. Durable when this returns. */
export async function replaceMark(file: string, mark: AttachedMark): Promise<void> {
  const next = join(dirname(file), nextMark);
  await rm(next, { force: true });
  await writeNewFile(next, markText(mark));
  await rename(next, file);
  await fsyncFolder(dirname(file));
}

/** Writes down that the VM has the disks. Without it they are known as attached only as long as it has them. */
export async function confirmMark(file: string, attached: number): Promise<void> {
  const mark = await readMark(dirname(file));
  if (mark?.attached === null) await replaceMark(file, { ...mark, attached });
}

/** Removes the mark of these disks. "Nothing there" is success. */
export async function removeMark(file: string, disks: readonly { readonly serial: string }[]): Promise<void> {
  await rm(join(dirname(file), nextMark), { force: true });
  const mark = await readMark(dirname(file));
  if (mark?.disks.every(({ serial }) => disks.some((one) => one.serial === serial)) !== true) return;
  await rm(file, { force: true });
}

/** Nobody relies on what says something else of a disk than its serial number does. */
export function markIn(text: string): AttachedMark | null {
  if (text.length > most) return null;
  const mark = parsed(text);
  if (!validatorOf('attached-mark.json')(mark)) return null;
  const known = mark as AttachedMark;
  const agrees = known.disks.every(({ disk, serial }) => serial === serialOf(known.run, disk, known.domain.uuid));
  return agrees ? known : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
