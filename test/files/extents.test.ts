import { describe, expect, it } from 'vitest';
import { cut } from '../../src/files/guest/device-map.ts';
import { parseFilefrag } from '../../src/files/guest/extents.ts';
import { ExtentLines } from '../../src/files/reader/extents.ts';

const list = (...lines: readonly string[]): string =>
  [
    'Filesystem type is: ef53',
    'File size of /proc/7/fd/20 is 9000 (9000 blocks of 1 bytes)',
    ' ext:     logical_offset:        physical_offset: length:   expected: flags:',
    ...lines,
    `/proc/7/fd/20: ${lines.length} extents found`,
    '',
  ].join('\n');

describe('parseFilefrag', () => {
  it('takes plain pieces, and no place of one that is not plainly there', () => {
    const text = list(
      '   0:        0..    4095:      40960..     45055:   4096:            ',
      '   1:     4096..    8191:      81920..     86015:   4096:      45056: shared',
      '   2:     8192..   12287:     122880..    126975:   4096:      86016: unwritten',
      '   3:    12288..   16383:          0..      4095:   4096:     126976: last,encoded,eof',
    );
    expect(parseFilefrag(text)?.reached).toBe(16384);
    expect(parseFilefrag(text)?.told).toEqual([
      { at: 0, length: 4096, physical: 40960 },
      { at: 4096, length: 4096, physical: 81920 },
      { at: 12288, length: 4096, physical: null },
    ]);
  });

  it.each([
    'inline',
    'not_aligned',
    'unknown_loc,delalloc',
    'tail_packed',
    'encrypted',
    '0x4000',
    'unknown_loc,unwritten',
  ])('does not take %s for bytes at a place', (flags) => {
    const text = list(`   0:        0..    4095:      40960..     45055:   4096:             ${flags}`);
    expect(parseFilefrag(text)?.told).toEqual([{ at: 0, length: 4096, physical: null }]);
  });

  it('takes no list that was cut off, and none out of order', () => {
    const whole = list('   0:        0..    4095:      40960..     45055:   4096:            ');
    expect(parseFilefrag(whole.slice(0, -20))).toBeNull();
    const back = '   1:     2048..    4095:      81920..     83967:   2048:            ';
    expect(
      parseFilefrag(list('   0:        0..    4095:      40960..     45055:   4096:            ', back)),
    ).toBeNull();
    expect(parseFilefrag('')).toBeNull();
  });
});

it('a range of a device is cut out of its pieces, or has none', () => {
  const pieces = [
    { start: 0, bytes: 100, slot: 0, offset: 1000 },
    { start: 100, bytes: 50, slot: 1, offset: 0 },
  ];
  expect(cut(pieces, 90, 20)).toEqual([
    { start: 90, bytes: 10, slot: 0, offset: 1090 },
    { start: 100, bytes: 10, slot: 1, offset: 0 },
  ]);
  expect(cut(pieces, 140, 20)).toBeNull();
});

describe('what a guest tells of extents', () => {
  const extents = (...lines: readonly string[]): unknown => {
    const gathered = new ExtentLines();
    gathered.add(Buffer.from(lines.join('\n')));
    return gathered.extents({ from: 100, end: 1000, disks: [5000] });
  };

  it('is taken within the file and the disk', () => {
    expect(extents('[100,400,0,4000]', '[600,400,null,0]')).toEqual([
      [100, 400, 0, 4000],
      [600, 400, null, 0],
    ]);
  });

  it.each([
    ['before the range', '[99,10,0,0]'],
    ['past the end of the file', '[900,101,0,0]'],
    ['past the end of the disk', '[100,400,0,4601]'],
    ['on a disk that is not there', '[100,400,1,0]'],
    ['of no bytes', '[100,0,0,0]'],
    ['negative', '[100,400,0,-1]'],
    ['no whole number', '[100,400,0,1.5]'],
    ['no number', '[100,400,"0",0]'],
    ['no list', '{"at":1}'],
    ['no JSON', '[100,'],
    ['one over the other', '[100,400,0,0]\n[499,10,0,0]'],
  ])('is refused where it is %s', (_what, lines) => {
    expect(() => extents(lines)).toThrow(expect.objectContaining({ code: 'files.reader' }));
  });

  it('is refused where it has no end', () => {
    const gathered = new ExtentLines();
    const piece = Buffer.alloc(1024 * 1024, ' ');
    expect(() => {
      for (let count = 0; count < 100; count++) gathered.add(piece);
    }).toThrow(expect.objectContaining({ code: 'files.reader' }));
  });
});
