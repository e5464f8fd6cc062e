import { statSync, type BigIntStats } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type Database from 'better-sqlite3';
import { openDatabase } from './sqlite.ts';

/** Reads a database file in place, and leaves no trace of it. */
export interface Look {
  /** `work` only reads, and may be called again: it must not keep what it saw the first time. */
  read<T>(work: (database: Database.Database) => T): T;
  close(): void;
}

/** A file that was written a moment ago may be written again within the same tick of its clock. */
const settledMs = 100n;

/**
 * A look at a database, without copying it: as fast for a large one as for a small one. Where nobody has it open, it is
 * read as a file that does not change (SQLite would make -wal and -shm files otherwise), and what was read counts only
 * if it did not; else through the -wal file that others use. Null: it cannot be looked at so, and wants a copy.
 */
export function openLook(path: string, fits: (database: Database.Database) => boolean): Look | null {
  let now: Opened | null = open(path);
  if (now && !fits(now.database)) {
    now.database.close();
    now = null;
  }
  if (!now) return null;
  let opened = now;
  let inside = false;
  return {
    read: (work) => {
      if (inside) return work(opened.database);
      inside = true;
      try {
        for (;;) {
          const attempt = tried(() => work(opened.database));
          if (opened.stamp === null || opened.stamp === stampOf(path)) return attempt();
          opened.database.close();
          opened = reopen(path);
        }
      } finally {
        inside = false;
      }
    },
    close: () => void opened.database.close(),
  };
}

interface Opened {
  readonly database: Database.Database;
  /** What the file was when it was opened as one that does not change; null: read through its -wal file. */
  readonly stamp: string | null;
}

function open(path: string): Opened | null {
  try {
    if (isInUse(path)) return openLive(path);
    const info = statSync(path, { bigint: true });
    if (BigInt(Date.now()) - info.mtimeMs < settledMs) return null;
    const stamp = textOf(info);
    return { database: openDatabase(`${pathToFileURL(path).href}?immutable=1`, { readonly: true }), stamp };
  } catch {
    return null;
  }
}

/** Somebody has opened or changed it meanwhile. */
function reopen(path: string): Opened {
  const opened = isInUse(path) ? null : open(path);
  return opened ?? openLive(path);
}

const openLive = (path: string): Opened => ({
  database: openDatabase(path, { readonly: true, fileMustExist: true }),
  stamp: null,
});

/**
 * Whether more may be known than the file of a database says. An empty -wal file says nothing, and may be all that is left of an attempt
 * to open the database without space for its -shm file: SQLite could not read it then.
 */
export const isInUse = (path: string): boolean => (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;

/** Empty where somebody has written to the database and has it open; it equals no other. */
function stampOf(path: string): string | null {
  if (isInUse(path)) return '';
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info ? textOf(info) : '';
}

const textOf = ({ ino, size, mtimeNs }: BigIntStats): string => `${ino} ${size} ${mtimeNs}`;

/** What a call gave, or threw, for later. */
function tried<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
