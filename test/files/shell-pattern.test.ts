import { describe, expect, it } from 'vitest';
import { shellPattern } from '../../src/files/shell-pattern.ts';

const fitting = (pattern: string, ...names: string[]): string[] => names.filter(shellPattern(pattern));

describe('a shell pattern', () => {
  it('fits whole names', () => {
    expect(fitting('a.c', 'a.c', 'abc', 'a.cc', 'xa.c')).toEqual(['a.c']);
    expect(fitting('a?c', 'abc', 'a\nc', 'aűc', 'a😀c', 'ac')).toEqual(['abc', 'a\nc', 'aűc', 'a😀c']);
    expect(fitting('', '', 'a')).toEqual(['']);
    expect(fitting('\\*\\?\\[', '*?[', 'a')).toEqual(['*?[']);
    expect(fitting('-+$(x)|{}^.', '-+$(x)|{}^.')).toEqual(['-+$(x)|{}^.']);
  });

  it('has stars for any letters, at any place', () => {
    expect(fitting('*', '', 'a', '.x\ny')).toEqual(['', 'a', '.x\ny']);
    expect(fitting('*.log', '.log', 'a.log', 'a.log.1', 'a.log.log')).toEqual(['.log', 'a.log', 'a.log.log']);
    expect(fitting('a*b*c', 'abc', 'aXbXbXc', 'acb', 'abcX', 'ab')).toEqual(['abc', 'aXbXbXc']);
    expect(fitting('a**?*z', 'abz', 'az', 'abcz')).toEqual(['abz', 'abcz']);
    // One letter is not both the end of what is before a star and the beginning of what is behind it.
    expect(fitting('ab*ba', 'aba', 'abba', 'abXba')).toEqual(['abba', 'abXba']);
    expect(fitting('*ab*ab', 'ab', 'abab', 'xabxab')).toEqual(['abab', 'xabxab']);
  });

  it('has sets of letters', () => {
    expect(fitting('[a-c]', 'a', 'c', 'd', '-')).toEqual(['a', 'c']);
    expect(fitting('[!a-c]', 'a', 'd')).toEqual(['d']);
    expect(fitting('[^a]', 'a', 'd')).toEqual(['d']);
    expect(fitting('[]-]', ']', '-', 'x')).toEqual([']', '-']);
    expect(fitting('[a-]', 'a', '-', 'b')).toEqual(['a', '-']);
    expect(fitting('[-a]', 'a', '-', 'b')).toEqual(['a', '-']);
    expect(fitting('[*]', '*', 'x')).toEqual(['*']);
    expect(fitting('[a', '[a', 'a')).toEqual(['[a']);
  });

  it('takes a range that ends before it begins for one that fits nothing', () => {
    expect(fitting('[z-a]', 'a', 'm', 'z', '-')).toEqual([]);
    expect(fitting('[z-ax]', 'a', 'x')).toEqual(['x']);
    expect(fitting('[!z-a]', 'a', 'z')).toEqual(['a', 'z']);
  });

  it('can hold small and capital letters for the same', () => {
    const fits = shellPattern('*ÄPFEL[a-c]', { ignoreCase: true });
    expect(['äpfelB', 'rote Äpfelc', 'äpfelD'].filter(fits)).toEqual(['äpfelB', 'rote Äpfelc']);
  });

  it('takes no longer the more stars it has', () => {
    const hostile = 'a'.repeat(255);
    const fits = shellPattern(`${'*a'.repeat(60)}*b`);
    for (let at = 0; at < 1000; at++) expect(fits(hostile)).toBe(false);
    expect(fits(`${hostile}b`)).toBe(true);
  });
});
