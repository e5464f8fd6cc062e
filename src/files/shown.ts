import { isUtf8 } from 'node:buffer';
import type { FilesEntry } from '../schemas/types.ts';
import type { Entry } from './protocol.ts';

/**
 * Bytes of a name for people. What is not UTF-8 is shown byte by byte as `\xe9`; what could control a terminal or turn the direction of
 * a line likewise, and a backslash as two, so that no two names look the same.
 */
export const shownName = (bytes: Buffer): string =>
  isUtf8(bytes)
    ? bytes.toString().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, escaped)
    : [...bytes]
        .map((byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : hex(byte)))
        .join('');

const escaped = (letter: string): string =>
  letter === '\\'
    ? '\\\\'
    : letter === '\n'
      ? '\\n'
      : letter === '\t'
        ? '\\t'
        : [...Buffer.from(letter)].map(hex).join('');

const hex = (byte: number): string => (byte === 0x5c ? '\\\\' : `\\x${byte.toString(16).padStart(2, '0')}`);

/** What {@link shownName} made, or what somebody typed: the bytes of a path. */
export function bytesOfShown(text: string): Buffer {
  const pieces: Buffer[] = [];
  const form = /\\(?:x([0-9a-f]{2})|([nt\\]))|[^\\]+|\\/giv;
  for (const [all, byte, letter] of text.matchAll(form)) {
    if (byte !== undefined) pieces.push(Buffer.from([Number.parseInt(byte, 16)]));
    else if (letter !== undefined) pieces.push(Buffer.from(letter === 'n' ? '\n' : letter === 't' ? '\t' : '\\'));
    else pieces.push(Buffer.from(all));
  }
  return Buffer.concat(pieces);
}

/** The path of an entry as requests take it: its bytes as base64url. */
export const pathId = (bytes: Buffer): string => bytes.toString('base64url');

/** @param folder bytes of the path in which the entry is; empty: the root */
export function shownEntry(entry: Entry, folder: Buffer): FilesEntry {
  const name = Buffer.from(entry.name, 'base64');
  const path = folder.length === 0 ? name : Buffer.concat([folder, Buffer.from('/'), name]);
  return {
    name: shownName(name),
    id: pathId(path),
    type: entry.type,
    size: entry.size,
    allocated: entry.allocated,
    mode: entry.mode.toString(8).padStart(4, '0'),
    uid: entry.uid,
    gid: entry.gid,
    links: entry.links,
    inode: entry.inode,
    mtime_ns: entry.mtime,
    ctime_ns: entry.ctime,
    atime_ns: entry.atime,
    target: entry.target === undefined ? null : shownName(Buffer.from(entry.target, 'base64')),
    device: entry.device ?? null,
  };
}
