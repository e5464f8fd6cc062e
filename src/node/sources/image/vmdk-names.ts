import type { FileHandle } from 'node:fs/promises';

/** What a VMDK takes its content from, as it names it. */
export interface VmdkNames {
  /** The VMDK below it; null: none. */
  readonly parent: string | null;
  readonly extents: readonly VmdkExtent[];
}

export interface VmdkExtent {
  readonly name: string;
  /** QEMU reads a header of it. */
  readonly sparse: boolean;
}

/** Of a description, as QEMU reads it (block/vmdk.c, `vmdk_read_desc`). */
const mostBytes = 1024 * 1024 - 1;
/** Of a description in which QEMU looks for the VMDK below. */
const parentBytes = 20 * 512;

/**
 * The names in a VMDK, all that QEMU could take for one: a file that begins with `KDMV` is its own content, unless it says a capacity
 * of 0; one that begins with `COWD` is, too; another one is a description. Source: QEMU, block/vmdk.c, `vmdk_open`,
 * `vmdk_open_vmdk4`, `vmdk_parse_extents`, `vmdk_parent_open`.
 */
export async function vmdkNames(file: FileHandle): Promise<VmdkNames> {
  const head = await bytesAt(file, 0, 512);
  const magic = head.toString('latin1', 0, 4);
  const sparse = magic === 'KDMV' && head.length >= 36;
  const start = sparse ? Number(head.readBigUInt64LE(28)) * 512 : 0;
  if (!Number.isSafeInteger(start)) return { parent: null, extents: [] };
  const text = (await bytesAt(file, start, mostBytes)).toString('utf8').split('\0', 1)[0] ?? '';
  const described = magic === 'COWD' ? false : !sparse || saysNoCapacity(head);
  return { parent: parentIn(text.slice(0, parentBytes)), extents: described ? extentsIn(text) : [] };
}

/** A sparse extent whose content is elsewhere: its own description says where. */
export const isNested = async (file: FileHandle): Promise<boolean> => saysNoCapacity(await bytesAt(file, 0, 512));

const saysNoCapacity = (head: Buffer): boolean =>
  head.length >= 20 && head.toString('latin1', 0, 4) === 'KDMV' && head.readBigUInt64LE(12) === 0n;

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

const parentIn = (text: string): string | null => /parentFileNameHint..([^"]+)/s.exec(text)?.[1] ?? null;

/** Whatever stands in quotation marks and is no value of a key; the second mark may be missing. */
const extentsIn = (text: string): VmdkExtent[] =>
  [...text.matchAll(/([^\s"]*)[ \t]*"([^"\r\n]*)(?:"|$)/gm)]
    .filter(([, word = '']) => !word.endsWith('='))
    .map(([, type = '', name = '']) => ({ name, sparse: !['FLAT', 'VMFS'].includes(type) }));
