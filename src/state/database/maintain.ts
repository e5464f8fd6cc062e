import type Database from 'better-sqlite3';
import { openDatabase } from './sqlite.ts';

/** Pages that are given back in one transaction: others wait no longer than it takes. */
const pagesAtOnce = 1000;
const copiedAtOnce = 25_600;
/** The smaller of the two: what must be free in the file before it is worth giving back, as bytes and as share. */
const worthBytes = 8 * 1024 * 1024;
const worthShare = 0.2;

const number = (database: Database.Database, name: string): number => database.pragma(name, { simple: true }) as number;

/**
 * Gives unused pages of the file back to the file system, piece by piece. A database of before that was possible stays as
 * large as it is: it uses its free pages again.
 * @returns bytes given back
 */
export async function shrinkDatabase(database: Database.Database): Promise<number> {
  const pageBytes = number(database, 'page_size');
  const free = number(database, 'freelist_count');
  if (number(database, 'auto_vacuum') !== 2) return 0;
  if (free * pageBytes < worthBytes && free < number(database, 'page_count') * worthShare) return 0;
  for (let left = free; left > 0; left -= pagesAtOnce) {
    database.pragma(`incremental_vacuum(${pagesAtOnce})`);
    await new Promise(setImmediate);
  }
  return (free - number(database, 'freelist_count')) * pageBytes;
}

/**
 * Copies the database as it is at one moment, while others write it. The copy is one file, in which no run goes on:
 * put back later, it makes no recovery remove what such a run has finished since. `file` should exist, empty, with its mode.
 * @throws where the copy is not sound
 */
export async function copyDatabase(
  database: Database.Database,
  file: string,
  forget: readonly string[],
): Promise<void> {
  // A writer in another process makes a copy begin anew, so few steps: 100 MiB each.
  await database.backup(file, { progress: () => copiedAtOnce });
  const copy = openDatabase(file);
  try {
    copy.pragma('journal_mode = DELETE');
    copy.pragma('foreign_keys = ON');
    // What is deleted is overwritten.
    copy.pragma('secure_delete = ON');
    for (const sql of forget) copy.exec(sql);
    const answer = copy.pragma('integrity_check', { simple: true });
    if (answer !== 'ok') throw new Error(`the copy ${file} is damaged: ${String(answer)}`);
  } finally {
    copy.close();
  }
}
