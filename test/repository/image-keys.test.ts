import { describe, expect, test } from 'vitest';
import {
  encryptionChange,
  encryptionOf,
  imageKey,
  imageKeys,
  keyIdOf,
  lostKeys,
  noKeys,
} from '../../src/repository/image-keys.ts';

const [a, b] = [imageKey('a key of many characters: a'.replaceAll(' ', '-'), 'a'), imageKey('b'.repeat(44), 'b')];
const with_ = (id: string) => ({ encryption: { format: 'luks', key_id: id } }) as const;

describe('keys of a repository', () => {
  test('an id follows from the key alone and tells nothing of it', () => {
    expect(keyIdOf('b'.repeat(44))).toBe(b.id);
    expect(b.id).toMatch(/^[0-9a-f]{16}$/);
    expect(a.id).not.toBe(b.id);
  });

  test.each([
    ['short', /has 5 characters, a key has at least 20/],
    [`two lines\n${'x'.repeat(20)}`, /not one line of ASCII/],
    ['ä'.repeat(30), /not one line of ASCII/],
  ])('%j is none', (text, message) => {
    expect(() => imageKey(text, 'it')).toThrow(message);
    try {
      imageKey(text, 'it');
    } catch (error) {
      expect(String(error)).not.toContain(text);
    }
  });

  test('the key of a disk is found by its id, among the older ones too', () => {
    const keys = imageKeys('primary', a, [b]);
    expect(keys.of(with_(b.id))).toBe(b);
    expect(keys.of({})).toBe(null);
    expect(keys.of({ encryption: null })).toBe(null);
    expect(() => imageKeys('primary', a).of(with_(b.id))).toThrow(`${b.id}; ${a.id} is not the one`);
    expect(() => noKeys.of(with_(b.id))).toThrow('no key is set');
  });

  test('a chain goes on only as it began', () => {
    expect(encryptionChange(imageKeys('', a), 'p', with_(a.id))).toBe(null);
    expect(encryptionChange(noKeys, 'p', {})).toBe(null);
    expect(encryptionChange(imageKeys('', a), 'p', {})).toMatch(/is on now, and p is not/);
    expect(encryptionChange(imageKeys('', null, [a]), 'p', with_(a.id))).toMatch(/is off now/);
    expect(encryptionChange(imageKeys('', b, [a]), 'p', with_(a.id))).toMatch(`the key is ${b.id} now`);
    expect(encryptionOf(imageKeys('', a))).toEqual({ format: 'luks', key_id: a.id });
    expect(encryptionOf(imageKeys('', null, [a]))).toBe(null);
  });

  test('a key that is not set any more is told once', () => {
    const point = { backup_id: 'p', disks: [with_(a.id), with_(a.id), {}] };
    expect(lostKeys(imageKeys('', b, [a]), point)).toEqual([]);
    expect(lostKeys(imageKeys('', b), point)).toEqual([expect.stringContaining(a.id)]);
  });
});
