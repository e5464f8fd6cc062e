import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileDiagnostic, type Diagnostic } from '../diagnostics/diagnostic.ts';

/** Bytes. */
const largest = 1024 * 1024;

/** The text of a file, or why there is none. Reads at most 1 MiB, so that a disk image named by mistake does no harm. */
export function readDocument(path: string, file = path): { text: string } | { diagnostic: Diagnostic } {
  let bytes: Buffer;
  try {
    const descriptor = openSync(path, 'r');
    try {
      if (fstatSync(descriptor).isDirectory())
        return { diagnostic: fileDiagnostic(file, 'file/unreadable', `${file} is a folder`) };
      bytes = readUpTo(descriptor, largest + 1);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { diagnostic: fileDiagnostic(file, 'file/unreadable', `${file} cannot be read: ${reasonOf(error)}`) };
  }
  return textOf(bytes, file);
}

/** Bytes -> text; a UTF-8 byte order mark is dropped. */
export function textOf(bytes: Uint8Array, file: string): { text: string } | { diagnostic: Diagnostic } {
  if (bytes.length > largest) {
    return { diagnostic: fileDiagnostic(file, 'yaml/too-large', `${file} is larger than 1 MiB`) };
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { diagnostic: fileDiagnostic(file, 'yaml/encoding', `${file} is UTF-16, not UTF-8`) };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // YAML 1.2, section 5.1: these may not stand in a document.
    // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
    const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
    if (!control) return { text };
    const before = text.slice(0, control.index);
    const line = before.split('\n').length;
    const column = control.index - before.lastIndexOf('\n');
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    const diagnostic = fileDiagnostic(
      file,
      'yaml/encoding',
      `the character U+${code} cannot stand in a text file`,
      'Remove the character.',
    );
    return { diagnostic: { ...diagnostic, line, column, end_line: line, end_column: column + 1 } };
  } catch {
    return { diagnostic: fileDiagnostic(file, 'yaml/encoding', `${file} is not UTF-8 text`) };
  }
}

/** Used again by every call, which no other comes between: ten thousand files would take one each. */
const chunk = Buffer.allocUnsafeSlow(64 * 1024);

function readUpTo(descriptor: number, limit: number): Buffer {
  const pieces: Buffer[] = [];
  for (let total = 0; total < limit;) {
    const count = readSync(descriptor, chunk, 0, Math.min(chunk.length, limit - total), null);
    if (count === 0) break;
    pieces.push(Buffer.from(chunk.subarray(0, count)));
    total += count;
  }
  return Buffer.concat(pieces);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  ENOTDIR: 'a part of the path is not a folder',
};

export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
