import { randomBytes, timingSafeEqual } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import { hashThread, hashTurns, type Turn } from './hash-turns.ts';

/** Characters. Shorter ones can be guessed from a copy of the database. */
export const shortestPassword = 12;
/** Bytes: more only cost time. */
const longestPassword = 1024;

/** RFC 9106 and OWASP: 19 MiB, 2 passes, 1 lane. Kept with each hash, so that it can be raised. */
const cost = { m: 19 * 1024, t: 2, p: 1 };
const tagBytes = 32;

/** @throws SendenseError `access.password` for a new password that is too short or too long */
export function assertGood(password: string): void {
  const letters = [...password].length;
  if (letters < shortestPassword)
    throw new SendenseError(
      'access.password',
      `the password has ${letters} characters; at least ${shortestPassword} are needed`,
    );
  if (Buffer.byteLength(password) > longestPassword)
    throw new SendenseError('access.password', `the password has more than ${longestPassword} bytes`);
}

/** `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH` */
export async function hashOf(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await derive(password, salt, cost, first);
  return `$argon2id$v=19$m=${cost.m},t=${cost.t},p=${cost.p}$${salt.toString('base64url')}$${Buffer.from(tag).toString('base64url')}`;
}

/** What unknown users are compared with, so that they take as long as known ones. No password has this hash. */
const nobodysHash = `$argon2id$v=19$m=${cost.m},t=${cost.t},p=${cost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** Whether it is the password; takes as long where there is no hash. @throws SendenseError `node.limited` */
export async function isPassword(password: string, hash: string = nobodysHash, turn: Turn = first): Promise<boolean> {
  const [, m, t, p, salt = '', tag = ''] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(hash) ?? [];
  if (Buffer.byteLength(password) > longestPassword) return false;
  const kept = Buffer.from(tag, 'base64url');
  const made = await derive(
    password,
    Buffer.from(salt, 'base64url'),
    { m: Number(m), t: Number(t), p: Number(p) },
    turn,
  );
  return kept.length === made.length && timingSafeEqual(kept, made);
}

/** Of who sets a password: nobody guesses there. */
const first: Turn = { failures: 0 };

const turns = hashTurns(hashThread());

const derive = (password: string, nonce: Buffer, { m, t, p }: typeof cost, turn: Turn): Promise<Uint8Array> =>
  turns.hash(
    { message: password.normalize('NFC'), nonce, memory: m, passes: t, parallelism: p, tagLength: tagBytes },
    turn,
  );
