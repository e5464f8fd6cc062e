import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Answer } from '../../../files/protocol.ts';
import { shownName } from '../../../files/shown.ts';

/** A backup holds other people's HTML: no browser may show or run it. */
export const inert = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
  'cache-control': 'private, no-store',
} as const;

/**
 * The one part that `Range` asks for: from, and the first byte that does not belong to it; null: the whole. Several ranges, and what is
 * no range, mean the whole (RFC 9110, 14.2).
 * @throws SendenseError `files.range`
 */
export function rangeOf(header: string | null, size: number): readonly [from: number, to: number] | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfied(size);
    return [size - length, size];
  }
  if (last !== '' && Number(last) < Number(first)) return null;
  if (Number(first) >= size) throw unsatisfied(size);
  return [Number(first), last === '' ? size : Math.min(Number(last) + 1, size)];
}

const unsatisfied = (size: number): SendenseError =>
  new SendenseError('files.range', `the file has ${size} bytes`, { details: { field: 'range' } });

/** `ETag` of a file: another one where the restore point or the file is another one. */
export const tagOf = (backupId: string, { inode, mtime, size }: Answer<'stat'>): string =>
  `"${backupId}-${inode}-${mtime}-${size}"`;

/** RFC 6266: an attachment with its name, also where that is not ASCII. */
export const contentDisposition = (name: string): string => {
  const plain = name.replaceAll(/[^\w .+,;=@()[\]-]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
};

export const bytesOf = ({ path }: Answer<'stat'>): Buffer => Buffer.from(path, 'base64');

export const lastName = (found: Answer<'stat'>): string => {
  const bytes = bytesOf(found);
  return shownName(bytes.subarray(bytes.lastIndexOf('/') + 1));
};
