import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, keyPairFromSeed, makeKeyPair, parsePublicKey } from '../../../src/host/ssh/keys.ts';
import { temporaryFolder } from '../temporary-folder.ts';

describe('SSH keys', () => {
  test('ssh-keygen reads what we make, and agrees on public key and fingerprint', async () => {
    await using folder = await temporaryFolder();
    const file = folder.file('key');
    for (const comment of ['sendense@site-b', 'x', '', 'with two words']) {
      const pair = makeKeyPair(comment);
      await writeFile(file, pair.privateKey, { mode: 0o600 });
      const derived = await execa('ssh-keygen', ['-y', '-f', file]);
      expect(derived.stdout.trim()).toBe(pair.publicKey);
      await writeFile(`${file}.pub`, `${pair.publicKey}\n`);
      const listed = await execa('ssh-keygen', ['-l', '-E', 'sha256', '-f', `${file}.pub`]);
      expect(listed.stdout.split(' ')[1]).toBe(fingerprintOf(pair.publicKey));
    }
  });

  test('a seed always gives the same keys, another one others', () => {
    const one = keyPairFromSeed(Buffer.alloc(32, 1), 'a');
    expect(keyPairFromSeed(Buffer.alloc(32, 1), 'a')).toEqual(one);
    expect(keyPairFromSeed(Buffer.alloc(32, 2), 'a').publicKey).not.toBe(one.publicKey);
    expect(() => keyPairFromSeed(Buffer.alloc(31), 'a')).toThrow(RangeError);
    // RFC 8032, section 7.1, test 1.
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const blob = Buffer.from(keyPairFromSeed(seed, '').publicKey.split(' ')[1]!, 'base64');
    expect(blob.subarray(-32).toString('hex')).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  });

  test('strong keys of every kind are taken, weak ones and what is no key are not', async () => {
    await using folder = await temporaryFolder();
    const make = async (name: string, ...args: string[]): Promise<string> => {
      const file = folder.file(name);
      await execa('ssh-keygen', ['-q', '-N', '', '-C', 'a comment', '-f', file, ...args]);
      return readFile(`${file}.pub`, 'utf8');
    };
    for (const args of [
      ['ed25519'],
      ['ecdsa', '-b', '256'],
      ['ecdsa', '-b', '384'],
      ['ecdsa', '-b', '521'],
      ['rsa', '-b', '3072'],
    ]) {
      const text = await make(args.join(''), '-t', ...args);
      expect(parsePublicKey(text)).toBe(text.split(' ').slice(0, 2).join(' '));
    }
    expect(parsePublicKey(await make('weak', '-t', 'rsa', '-b', '2048'))).toBeNull();
    const good = makeKeyPair('x').publicKey;
    const base64 = good.split(' ')[1]!;
    for (const bad of [
      '',
      'ssh-ed25519',
      `ssh-rsa ${base64}`,
      `ssh-ed25519 ${base64.slice(0, -4)}`,
      `ssh-ed25519 ${base64}AAAA`,
      `ssh-ed25519 ${base64.slice(0, 20)}\n${base64.slice(20)}`,
      `${good}\nssh-ed25519 AAAA`,
      `command="x" ${good}`,
      `ssh-dss ${Buffer.from('\0\0\0\x07ssh-dss\0\0\0\x01a').toString('base64')}`,
    ])
      expect(parsePublicKey(bad), bad).toBeNull();
  });
});
