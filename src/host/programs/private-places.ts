import { lstatSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';

/**
 * A private place is a folder of this user alone in a folder that everybody may write to, such as /tmp. Its usual name is known to
 * everybody, so that anybody may take it first: then a place with a random name is made beside it. Every process of the user finds
 * both again by their owner, which nobody else can give to a folder.
 */
const usualName = (): string => `sendense-${process.getuid?.() ?? 0}`;

/** Short, because there are sockets in it. */
const otherNames = (): string => `sd-${process.getuid?.() ?? 0}.`;

const usualPlace = (root: string): string => join(root, usualName());

/** Whether it is a directory of this user alone. What is in one that is not, another user could have put there. */
export function isPrivate(folder: string): boolean {
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info !== undefined && info.isDirectory() && info.uid === process.getuid?.() && (info.mode & 0o077) === 0;
}

/** All private places of this user in `root`, the usual one first. */
export function privatePlaces(root: string): string[] {
  const others = namesIn(root)
    .filter((name) => name.startsWith(otherNames()))
    .toSorted();
  return [usualName(), ...others].map((name) => join(root, name)).filter(isPrivate);
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}

/** Where a folder of this name is, or would be made; it follows from the name alone as long as nobody has taken the usual place. */
export function placeFor(root: string, name: string): string {
  const usual = usualPlace(root);
  if (isPrivate(usual) && isThere(join(usual, name))) return usual;
  const places = privatePlaces(root);
  return places.find((place) => isThere(join(place, name))) ?? places[0] ?? usual;
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/**
 * As {@link placeFor}; a place is made where there is none.
 * @throws SendenseError `state.unusable` where somebody has taken the usual name, and no other can be made
 */
export function makePlaceFor(root: string, name: string): string {
  try {
    mkdirSync(usualPlace(root), { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const place = placeFor(root, name);
  if (isPrivate(place)) return place;
  try {
    return mkdtempSync(join(root, otherNames()));
  } catch (error) {
    if (isNoSpace((error as NodeJS.ErrnoException).code)) throw error;
    throw new SendenseError('state.unusable', `${place} is not a directory that belongs to this user alone`, {
      remedy: `Find out who made ${place} and remove it, or set TMPDIR to a folder that only this user can write to.`,
      cause: error,
    });
  }
}
