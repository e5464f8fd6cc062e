import { describe, expect, it } from 'vitest';
import { exclusion, hasWildcard, pathPattern, splitPath } from '../../../src/files/choose/path-pattern.ts';
import { parsePlace, pathOfText } from '../../../src/files/choose/place-text.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const fits = (pattern: string, path: string): boolean => pathPattern(pattern).fits(bytes(path));

describe('a place', () => {
  it('has a volume or none, and a path', () => {
    expect(parsePlace('disk-0p2:/etc/a:b')).toEqual({ volume: 'disk-0p2', path: 'etc/a:b' });
    expect(parsePlace('vg0/root:/')).toEqual({ volume: 'vg0/root', path: '' });
    expect(parsePlace('//etc')).toEqual({ volume: null, path: 'etc' });
    expect(parsePlace('etc/fstab')).toBeNull();
    expect(parsePlace('')).toBeNull();
  });

  it('has names of any bytes', () => {
    expect(pathOfText('srv/caf\\xe9')).toBe(bytes('srv/caf\xe9').toString('base64url'));
  });
});

describe('a pattern of paths', () => {
  it('begins where the first wildcard is', () => {
    expect(pathPattern('etc/*.conf')).toMatchObject({ base: 'etc', depth: 1, lastName: '*.conf' });
    expect(pathPattern('var/log/**/*.gz')).toMatchObject({ base: 'var/log', depth: Number.POSITIVE_INFINITY });
    expect(pathPattern('*')).toMatchObject({ base: '', depth: 1 });
    expect(pathPattern('home/*/.ssh')).toMatchObject({ base: 'home', depth: 2, lastName: '.ssh' });
    expect(pathPattern('srv/caf\\xe9*').lastName).toBeNull();
  });

  it('fits within one name, and `**` any number of folders', () => {
    expect(['a.conf', '.conf', 'b/a.conf', 'a.confx'].filter((path) => fits('etc/*.conf', path))).toEqual([
      'a.conf',
      '.conf',
    ]);
    expect(['a.gz', 'x/a.gz', 'x/y/z/a.gz', 'a.gz/b'].filter((path) => fits('log/**/*.gz', path))).toEqual([
      'a.gz',
      'x/a.gz',
      'x/y/z/a.gz',
    ]);
    expect(fits('a/**/b/**/c?', 'x/b/y/b/c1')).toBe(true);
    expect(fits('a/**/b/**/c?', 'x/y/c1')).toBe(false);
    expect(fits('a/[a-c]?', 'bz') && !fits('a/[a-c]?', 'dz')).toBe(true);
    expect(fits('log/**', 'x/y')).toBe(true);
  });

  it('takes names that are not UTF-8 byte by byte, and what looks like a regular expression as it is', () => {
    expect(fits('srv/caf?', 'caf\xe9')).toBe(true);
    expect(fits('srv/ca*\\xe9', 'caf\xe9')).toBe(true);
    expect(pathPattern('srv/?').fits(Buffer.from('é'))).toBe(true);
    expect(fits('srv/a.b*', 'aXb')).toBe(false);
    expect(fits('srv/a\\\\*', 'a\\b')).toBe(true);
    expect(fits('srv/new*line', 'new\nline')).toBe(true);
  });

  it('takes a short time, however many folders `**` could be', () => {
    expect(fits(`${'**/a/'.repeat(30)}*x`, 'a/'.repeat(2000))).toBe(false);
  });

  it('is none without a wildcard', () => {
    expect(['etc', 'a*', 'a?', 'a[b]', '**'].map(hasWildcard)).toEqual([false, true, true, true, true]);
  });
});

describe('what is left out', () => {
  it('is a whole path, or a name in any folder', () => {
    const isOut = exclusion(['/var/log/journal', '*.swp', 'a/b']);
    const out = ['var/log/journal', 'x/var/log/journal', 'etc/.f.swp', 'f.swp', 'x/a/b', 'a/b', 'a', 'var/log'].filter(
      (path) => isOut(bytes(path)),
    );
    expect(out).toEqual(['var/log/journal', 'etc/.f.swp', 'f.swp', 'x/a/b', 'a/b']);
    expect(exclusion([])(bytes('a'))).toBe(false);
  });
});

it('a path is taken apart into names', () => {
  expect(splitPath(bytes('/a//b/')).map(String)).toEqual(['a', 'b']);
  expect(splitPath(bytes(''))).toEqual([]);
});
