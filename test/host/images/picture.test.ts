import { expect, test } from 'vitest';
import { isBlank, pngOf, readPicture, showsWords, type Picture } from '../../../src/host/images/picture.ts';
import { randomBytes } from '../../support/random.ts';

const ppmOf = ({ width, height, rgb }: Picture): Buffer =>
  Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]);

/** A screen of text, with an alphabet of its own. */
function screenOf(rows: readonly string[]): Picture {
  const [width, height] = [720, 400];
  const rgb = Buffer.alloc(width * height * 3);
  for (const [row, text] of rows.entries())
    for (const [column, letter] of [...text].entries())
      if (letter !== ' ') rgb.write(letter, ((row * 16 + 3) * width + column * 9) * 3, 'latin1');
  return { width, height, rgb };
}

test('a picture is read from PPM and PNG, and nothing else is taken for one', () => {
  const rgb = randomBytes(7 * 5 * 3);
  const picture = { width: 7, height: 5, rgb };
  expect(readPicture(ppmOf(picture))).toEqual(picture);
  expect(readPicture(pngOf(picture))).toEqual(picture);
  for (const file of ['', 'P6 1 1 255 ', 'P6 9 9 255 \0', 'PNG'].map((text) => Buffer.from(text)))
    expect(readPicture(file)).toBeNull();
  for (let end = 0; end < pngOf(picture).length - 20; end++)
    expect(readPicture(pngOf(picture).subarray(0, end))).toBeNull();
});

test('a blank one has one colour', () => {
  expect(isBlank({ width: 2, height: 1, rgb: Buffer.from('abcabc') })).toBe(true);
  expect(isBlank({ width: 2, height: 1, rgb: Buffer.from('abcabd') })).toBe(false);
});

test('words are found on a screen of text by their form', () => {
  const words = 'No bootable device.';
  expect(showsWords(screenOf(['SeaBIOS', '', `  ${words}  `]), words)).toBe(true);
  for (const other of ['No bootable devise?', 'No bootable devicee', 'Booting from Hard Disk...', ''])
    expect(showsWords(screenOf([other]), words), other).toBe(other === 'No bootable devise?');
  expect(showsWords({ width: 3, height: 1, rgb: Buffer.alloc(9) }, words)).toBe(false);
});
