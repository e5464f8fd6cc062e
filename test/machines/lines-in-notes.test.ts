import { describe, expect, it } from 'vitest';
import { markedNotes, withoutInPlaceLines } from '../../src/node/vsphere/in-place/in-place-mark.ts';

const mark = { run: 'run-1', point: 'p-1', isTorn: true, safety: null, disks: [], since: null };
const [head, sentence] = markedNotes(mark, '').split('\n');

describe('the notes of a VM that was restored in place', () => {
  it.each(['', 'the accounts', '  two\r\n\r\nlines \n', '\nblank above'])('are those of before: %j', (notes) => {
    expect(withoutInPlaceLines(markedNotes(mark, notes))).toBe(notes);
    expect(withoutInPlaceLines(markedNotes({ ...mark, isTorn: false }, markedNotes(mark, notes)))).toBe(notes);
    expect(withoutInPlaceLines(notes)).toBe(notes);
  });

  it.each([
    ['a line above', `ask Bob\n${markedNotes(mark, 'the accounts')}`, 'ask Bob\nthe accounts'],
    ['no first line', `${sentence}\n\nthe accounts`, 'the accounts'],
    ['a blank line above', `\n${markedNotes(mark, 'the accounts')}`, '\nthe accounts'],
    ['both at the end', `the accounts\n${head}\n${sentence}`, 'the accounts'],
  ])('do not keep that they are not whole: %s', (_, notes, expected) => {
    expect(withoutInPlaceLines(notes)).toBe(expected);
  });
});
