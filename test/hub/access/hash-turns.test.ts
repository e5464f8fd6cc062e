import { expect, test } from 'vitest';
import { hashThread, hashTurns } from '../../../src/hub/access/hash-turns.ts';
import type { HashTask } from '../../../src/hub/access/password-thread.ts';
import { hashOf, isPassword } from '../../../src/hub/access/password.ts';
import { networkOf } from '../../../src/hub/access/slow-logins.ts';

const task = (message: string, memory = 8): HashTask => ({
  message,
  nonce: new Uint8Array(16),
  memory,
  passes: 1,
  parallelism: 1,
  tagLength: 32,
});

test('one hash is made at a time; who has not failed comes first, and of too many those with the most failures go', async () => {
  const made: string[] = [];
  const next: (() => void)[] = [];
  const turns = hashTurns(
    {
      hash: async ({ message }) => {
        made.push(message);
        await new Promise<void>((resolve) => next.push(resolve));
        return new Uint8Array();
      },
    },
    3,
  );
  const ask = (message: string, failures: number) =>
    turns.hash(task(message), { failures }).then(
      () => message,
      (error: { code: string }) => `${message}: ${error.code}`,
    );
  const asked = [
    ask('first', 0),
    ask('guess 1', 7),
    ask('guess 2', 9),
    ask('guess 3', 7),
    ask('anna', 0),
    ask('berta', 0),
  ];
  for (let turn = 1; turn <= 4; turn++) {
    await expect.poll(() => made.length).toBe(turn);
    next.shift()?.();
  }
  expect(await Promise.all(asked)).toEqual([
    'first',
    'guess 1',
    'guess 2: node.limited',
    'guess 3: node.limited',
    'anna',
    'berta',
  ]);
  expect(made).toEqual(['first', 'anna', 'berta', 'guess 1']);
});

test('a thread makes hashes, says what is wrong with one, and goes on', async () => {
  const thread = hashThread();
  expect((await thread.hash(task('x'))).length).toBe(32);
  await expect(thread.hash(task('x', 1))).rejects.toThrow();
  expect((await thread.hash(task('x'))).length).toBe(32);
});

test('a password fits the hash that was made of it, and no other', async () => {
  const hash = await hashOf('four random words here');
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w-]{22}\$[\w-]{43}$/);
  expect(await isPassword('four random words here', hash)).toBe(true);
  expect(await isPassword('four random words her', hash)).toBe(false);
  expect(await isPassword('four random words here')).toBe(false);
});

test('all addresses of an IPv6 network are one, and an IPv4 address is one however it is written', () => {
  expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64');
  expect(networkOf('2001:db8:0:0:ffff::7')).toBe('2001:db8:0:0::/64');
  expect(networkOf('2001:0db8:0:1::7')).toBe('2001:db8:0:1::/64');
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  expect(networkOf('::1')).toBe('0:0:0:0::/64');
  expect(networkOf('::ffff:192.0.2.7')).toBe('192.0.2.7');
  expect(networkOf('192.0.2.7')).toBe('192.0.2.7');
  expect(networkOf('local')).toBe('local');
});
