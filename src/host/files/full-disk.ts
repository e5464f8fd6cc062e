import { statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { isNoSpace } from '../../errors/no-space.ts';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';

/** A folder that something is written to. */
export interface Place {
  /** Absolute; need not be there yet. */
  readonly path: string;
  /** For messages. */
  readonly what: string;
  /** What helps besides making space, as the end of a sentence. */
  readonly wayOut?: string;
}

/** Sockets, pid files, and all of a rescue. */
export const temporaryPlace = (): Place => ({
  path: resolve(tmpdir()),
  what: 'temporary files',
  wayOut: 'set the environment variable TMPDIR to a folder that has space',
});

/** Where programs and SQLite write less at a time, they leave less than this. */
const fullBytes = 256 * 1024;

/** Whether nothing more can be written where `path` is, or would be. */
export const isFull = (path: string): boolean => lackAt(path) !== null;

/**
 * Any thrown value as a SendenseError. Where it says that a disk is full, it also says which: programs do not, and neither does the
 * system of a file that is open. Call it before anything is cleaned up.
 * @param places that it may be
 */
export function namedFull(value: unknown, places: readonly Place[]): SendenseError {
  const error = toSendenseError(value);
  const cause = noSpaceIn(value);
  if (error.code !== 'disk.full' && cause === null) return error;
  const told = cause?.path === undefined ? places : [placeOf(cause.path, places)];
  const full = byMount(told.filter(({ path }) => isFull(path)));
  if (full.size === 0 || error.message.includes(marker)) return error;
  return new SendenseError('disk.full', `${error.message}; ${[...full].map(sentence).join('; ')}`, {
    cause: value,
    remedy: error.code === 'disk.full' && error.remedy !== error.entry.remedy ? error.remedy : remedyOf(full),
    ...(error.position ? { position: error.position } : {}),
    ...(error.details ? { details: error.details } : {}),
  });
}

const marker = 'the file system at ';

const sentence = ([mount, places]: readonly [string, readonly Place[]]): string => {
  const held = places.filter(({ what }) => what !== '').map(({ what, path }) => `${what}: ${path}`);
  return `${marker}${mount} ${lackAt(mount) ?? 'is full'}${held.length > 0 ? ` (${held.join(', ')})` : ''}`;
};

function remedyOf(full: ReadonlyMap<string, readonly Place[]>): string {
  const others = [...full.values()].flat().flatMap(({ wayOut }) => (wayOut === undefined ? [] : [wayOut]));
  return [`Make space in the file system at ${[...full.keys()].join(' and ')}`, ...new Set(others)].join(', or ') + '.';
}

/** What the system said, with the file that it said it of, if it named one. */
function noSpaceIn(value: unknown): { readonly path: string | undefined } | null {
  for (let at = value, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    const { code, path, dest } = at as NodeJS.ErrnoException & { readonly dest?: string };
    if (isNoSpace(code)) return { path: dest ?? path };
  }
  return null;
}

/** What is missing there; null: nothing, or nobody knows. */
function lackAt(path: string): string | null {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(nearest(path));
    if (bavail * bsize < fullBytes) return 'is full';
    return files > 0 && ffree === 0 ? 'can hold no more files (no inode is free)' : null;
  } catch {
    return null;
  }
}

function byMount(places: readonly Place[]): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  for (const place of places) {
    const mount = mountOf(nearest(place.path));
    found.set(mount, [...(found.get(mount) ?? []), place]);
  }
  return found;
}

/** The topmost folder of the file system that holds a folder. */
function mountOf(folder: string): string {
  const { dev } = statSync(folder);
  let at = folder;
  while (dirname(at) !== at && statSync(dirname(at)).dev === dev) at = dirname(at);
  return at;
}

/** What is there of it. */
function nearest(path: string): string {
  for (let at = resolve(path); ; at = dirname(at))
    if (statSync(at, { throwIfNoEntry: false }) !== undefined || dirname(at) === at) return at;
}

/** The innermost that holds it, if it is of the same file system. */
function placeOf(path: string, places: readonly Place[]): Place {
  const around = places
    .filter((place) => `${resolve(path)}/`.startsWith(`${place.path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  const isThere = around !== undefined && mountOf(nearest(path)) === mountOf(nearest(around.path));
  return isThere ? around : { path, what: '' };
}
