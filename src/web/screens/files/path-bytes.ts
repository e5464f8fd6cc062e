/** Paths are bytes: the API has them as base64url. One character stands for each byte here. */
const bytesOf = (id: string): string => atob(id.replaceAll('-', '+').replaceAll('_', '/'));

const idOf = (bytes: string): string => btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** The folder in which a path is; empty: the root. */
export function folderOf(id: string): string {
  const bytes = bytesOf(id);
  return idOf(bytes.slice(0, Math.max(0, bytes.lastIndexOf('/'))));
}

/** The folders of a path, from the top: each with its own path, and its name as people read it. */
export function stepsOf(id: string): readonly { readonly id: string; readonly name: string }[] {
  const names = bytesOf(id)
    .split('/')
    .filter((name) => name !== '');
  return names.map((name, index) => ({ id: idOf(names.slice(0, index + 1).join('/')), name: shownBytes(name) }));
}

/** As the programs print a path, and read it: what is not UTF-8, and what steers, is written as `\xe9`. */
export const shownPath = (id: string): string => shownBytes(bytesOf(id));

function shownBytes(bytes: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)),
    );
    return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, escaped);
  } catch {
    return bytes.replaceAll(/[^\u0020-\u005b\u005d-\u007e]/g, (byte) =>
      byte === '\\' ? '\\\\' : hex(byte.charCodeAt(0)),
    );
  }
}

const escaped = (letter: string): string =>
  ({ '\\': '\\\\', '\n': '\\n', '\t': '\\t' })[letter] ?? [...new TextEncoder().encode(letter)].map(hex).join('');

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
