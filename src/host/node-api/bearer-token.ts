import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders } from '../files/make-folders.ts';

/** Characters of the shortest token that an API takes. */
export const shortestToken = 16;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What an `Authorization: Bearer …` holds. The scheme may have small letters (RFC 9110, 11.1). */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^bearer +(\S{1,4096}) *$/i.exec(authorization ?? '')?.[1];

/** Compares the header `Authorization: Bearer …` with the token, in a time that says nothing about either. */
export function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization) => timingSafeEqual(digest(bearerOf(authorization) ?? ''), expected);
}

/**
 * Makes the file of a new token, for this user alone, where there is none; so does its folder. False: there is one.
 * Rejects with the error of the system.
 */
export async function makeTokenFile(file: string): Promise<boolean> {
  makeFolders(dirname(file));
  try {
    await writeFile(file, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
