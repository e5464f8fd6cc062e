import { isUtf8 } from 'node:buffer';

/** Name of the entry that says which names were escaped. */
export const namesEntry = '_names.json';

/**
 * A path as an archive has it, where every unpacker reads the same name. What is not UTF-8, or means something else to some of them, is
 * written byte by byte as `%E9`; and so is a `%` that would look like that, so that no two paths become one.
 */
export const zipName = (path: Buffer): string =>
  pieces(path)
    .map((name) => (isPlain(name) ? name.toString() : escaped(name)))
    .join('/')
    .replace(namesAtRoot, '%5Fnames.json');

const namesAtRoot = /^_names\.json(?=\/|$)/;

function pieces(path: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let from = 0; ;) {
    const to = path.indexOf(0x2f, from);
    if (to < 0) return [...found, path.subarray(from)];
    found.push(path.subarray(from, to));
    from = to + 1;
  }
}

/** Control characters, what Windows takes for something else, and what looks escaped. */
// eslint-disable-next-line no-control-regex
const odd = /[\u0000-\u001f\u007f\\:*?"<>|]|%[0-9A-F]{2}/;

const isPlain = (name: Buffer): boolean => isUtf8(name) && !odd.test(name.toString());

/** Letters of other alphabets stay where all of it is UTF-8. */
const escaped = (name: Buffer): string =>
  isUtf8(name)
    ? name.toString().replaceAll(/[\u0000-\u001f\u007f\\:*?"<>|%]/g, (letter) => hex(letter.charCodeAt(0))) // eslint-disable-line no-control-regex
    : [...name]
        .map((byte) =>
          byte >= 0x20 && byte < 0x7f && !odd.test(String.fromCharCode(byte)) && byte !== 0x25
            ? String.fromCharCode(byte)
            : hex(byte),
        )
        .join('');

const hex = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
