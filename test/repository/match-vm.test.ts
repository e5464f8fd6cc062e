import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesVm, selectVms } from '../../src/repository/match-vm.ts';

describe('patterns of VM names', () => {
  it.each([
    ['pgtest1', 'pgtest1', true],
    ['pgtest1', 'pgtest', false],
    ['pgtest1', 'pgtest*', true],
    ['pgtest', 'pgtest*', true],
    ['web-01.lab', 'web-??.*', true],
    ['web-1.lab', 'web-??.*', false],
    ['abcabc', '*abc', true],
    ['a.c', 'a.c', true],
    ['abc', 'a.c', false],
    ['anything', '*', true],
    ['', '*', true],
    ['a', '', false],
  ])('%s and %s: %s', (name, pattern, expected) => expect(matchesVm(name, pattern)).toBe(expected));

  it('agrees with the regular expression of the same meaning', () => {
    const text = (letters: string): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text('ab.'), text('ab.*?'), (name, pattern) => {
        const source = pattern
          .replaceAll('.', String.raw`\.`)
          .replaceAll('?', '.')
          .replaceAll('*', '.*');
        expect(matchesVm(name, pattern)).toBe(new RegExp(`^${source}$`).test(name));
      }),
    );
  });

  it('takes no time that grows with the number of stars', () => {
    expect(matchesVm('a'.repeat(63), `${'a*'.repeat(31)}b`)).toBe(false);
  });

  it('says which patterns fit nothing', () => {
    expect(selectVms(['a1', 'a2', 'b'], ['a*', 'c', 'a1'])).toEqual({ names: ['a1', 'a2'], unmatched: ['c'] });
    expect(selectVms(['a1'], undefined)).toEqual({ names: ['a1'], unmatched: [] });
  });
});
