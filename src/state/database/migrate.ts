import type Database from 'better-sqlite3';
import { SendenseError } from '../../errors/sendense-error.ts';
import { migrations } from './migrations.ts';

/** `PRAGMA application_id` of our databases: "Send" in ASCII. */
const applicationId = 0x53656e64;

/**
 * Brings a database to the version that this program knows; safe between processes.
 * @throws SendenseError `state.unusable` where it is of a newer version, or of another program
 */
export function migrate(database: Database.Database, path: string, known: readonly string[] = migrations): void {
  if (versionOf(database, path, known) === known.length) return;
  const apply = database.transaction(() => {
    // Asked again inside: another process may have been first.
    for (const sql of known.slice(versionOf(database, path, known))) database.exec(sql);
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${known.length}`);
  });
  apply.immediate();
}

/** Whether a database is of ours and of the version that this program knows. */
export const isCurrent = (database: Database.Database): boolean =>
  database.pragma('application_id', { simple: true }) === applicationId &&
  database.pragma('user_version', { simple: true }) === migrations.length;

function versionOf(database: Database.Database, path: string, known: readonly string[]): number {
  const number = (name: string): number => database.pragma(name, { simple: true }) as number;
  const version = number('user_version');
  if (number('application_id') === applicationId) {
    if (version <= known.length) return version;
    throw new SendenseError(
      'state.unusable',
      `the state database ${path} has version ${version}; this program knows versions up to ${known.length}`,
      { remedy: 'Use the newer Sendense that wrote it, or name another file with `state` in sendense.yaml.' },
    );
  }
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number };
  if (version === 0 && tables.count === 0) return 0;
  throw new SendenseError('state.unusable', `${path} is a database of another program`, {
    remedy: 'Name another file with `state` in sendense.yaml.',
  });
}
