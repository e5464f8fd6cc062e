import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** What a screen shows. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes for each pixel, row by row. */
  readonly rgb: Buffer;
}

/** Larger than any screen of a guest: what says more is not read. */
const mostPixels = 64 * 1024 ** 2;

/** Reads a PPM or PNG of 8 bits a colour, as QEMU writes them; null: it is something else. */
export function readPicture(file: Buffer): Picture | null {
  try {
    return file.subarray(0, 2).toString('latin1') === 'P6' ? readPpm(file) : readPng(file);
  } catch {
    return null;
  }
}

function readPpm(file: Buffer): Picture | null {
  const [header = '', width, height] =
    /^P6\s+([0-9]{1,5})\s+([0-9]{1,5})\s+255\s/.exec(file.toString('latin1', 0, 64)) ?? [];
  return pictureOf(Number(width), Number(height), file.subarray(header.length));
}

const pictureOf = (width: number, height: number, rgb: Buffer): Picture | null =>
  width * height > 0 && width * height <= mostPixels && rgb.length === width * height * 3
    ? { width, height, rgb }
    : null;

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
/** Colour types of PNG: three or four bytes a pixel. Source: PNG specification, 11.2.2. */
const bytesOfType: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

function readPng(file: Buffer): Picture | null {
  if (!file.subarray(0, 8).equals(signature)) return null;
  const width = file.readUInt32BE(16);
  const height = file.readUInt32BE(20);
  const pixelBytes = bytesOfType[file.readUInt8(25)];
  if (pixelBytes === undefined || file.readUInt8(24) !== 8 || file.readUInt8(28) !== 0) return null;
  if (width * height > mostPixels) return null;
  const rowBytes = width * pixelBytes;
  const packed: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length; at += 12 + file.readUInt32BE(at))
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT')
      packed.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  const rows = inflateSync(Buffer.concat(packed), { maxOutputLength: (rowBytes + 1) * height });
  return pictureOf(width, height, withoutAlpha(unfiltered(rows, rowBytes, pixelBytes), pixelBytes));
}

/** Undoes the filter of each row, in place. Source: PNG specification, 9.2. */
function unfiltered(rows: Buffer, rowBytes: number, pixelBytes: number): Buffer {
  const plain = Buffer.alloc((rows.length / (rowBytes + 1)) * rowBytes);
  for (let row = 0; row * (rowBytes + 1) < rows.length; row++) {
    const kind = rows[row * (rowBytes + 1)] ?? 0;
    const start = row * rowBytes;
    rows.copy(plain, start, row * (rowBytes + 1) + 1, (row + 1) * (rowBytes + 1));
    if (kind === 0) continue;
    for (let at = 0; at < rowBytes; at++) {
      const left = at < pixelBytes ? 0 : (plain[start + at - pixelBytes] ?? 0);
      const up = row === 0 ? 0 : (plain[start + at - rowBytes] ?? 0);
      const corner = row === 0 || at < pixelBytes ? 0 : (plain[start + at - rowBytes - pixelBytes] ?? 0);
      plain[start + at] = ((plain[start + at] ?? 0) + predicted(kind, left, up, corner)) & 0xff;
    }
  }
  return plain;
}

function predicted(kind: number, left: number, up: number, corner: number): number {
  if (kind === 1) return left;
  if (kind === 2) return up;
  if (kind === 3) return (left + up) >> 1;
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function withoutAlpha(pixels: Buffer, pixelBytes: number): Buffer {
  if (pixelBytes === 3) return pixels;
  const rgb = Buffer.alloc((pixels.length / 4) * 3);
  for (let pixel = 0; pixel * 4 < pixels.length; pixel++) pixels.copy(rgb, pixel * 3, pixel * 4, pixel * 4 + 3);
  return rgb;
}

/** The same as a PNG file. */
export function pngOf({ width, height, rgb }: Picture): Buffer {
  const header = Buffer.from('00000000000000000802000000', 'hex');
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let row = 0; row < height; row++)
    rgb.copy(rows, row * (width * 3 + 1) + 1, row * width * 3, (row + 1) * width * 3);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, content: Buffer): Buffer {
  const framed = Buffer.alloc(content.length + 12);
  framed.writeUInt32BE(content.length, 0);
  framed.write(name, 4, 'latin1');
  content.copy(framed, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, -4)), content.length + 8);
  return framed;
}

/** Whether it has one colour only. */
export const isBlank = ({ rgb }: Picture): boolean => rgb.subarray(3).equals(rgb.subarray(0, -3));

/** How a PC shows text: 80 columns. */
const columns = 80;
const letterHeight = 16;

/**
 * Whether a screen of text shows these words in one row. It knows no letters: it looks for places that are alike where the letters of the
 * words are alike, and for others where they are others.
 */
export function showsWords({ width, height, rgb }: Picture, words: string): boolean {
  if (width % columns !== 0 || height % letterHeight !== 0) return false;
  const letterBytes = (width / columns) * 3;
  const letterAt = (row: number, column: number): string => {
    let letter = '';
    for (let line = 0; line < letterHeight; line++) {
      const start = ((row * letterHeight + line) * columns + column) * letterBytes;
      letter += rgb.toString('latin1', start, start + letterBytes);
    }
    return letter;
  };
  const form = formOf([...words]);
  for (let row = 0; row < height / letterHeight; row++) {
    const letters = Array.from({ length: columns }, (_, column) => letterAt(row, column));
    for (let start = 0; start + words.length <= columns; start++)
      if (formOf(letters.slice(start, start + words.length)) === form) return true;
  }
  return false;
}

/** For each letter, where it came first. */
const formOf = (letters: readonly string[]): string => letters.map((letter) => letters.indexOf(letter)).join();
