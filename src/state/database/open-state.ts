import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable, type Driver } from 'kysely';
import { makeFolders } from '../../host/files/make-folders.ts';
import { isInUse, openLook } from './look.ts';
import { copyDatabase, shrinkDatabase } from './maintain.ts';
import { isCurrent, migrate } from './migrate.ts';
import { migrations } from './migrations.ts';
import { assertOwnState } from './own-state.ts';
import { refuseForeignState } from './refuse-foreign-state.ts';
import { openDatabase } from './sqlite.ts';
import { copyError, stateError } from './state-error.ts';
import { assertStatePlace } from './state-place.ts';
import type { Tables } from './tables.ts';

/**
 * The state database. Kysely writes the queries, and they run at once on one connection: a call that returned is on the
 * disk (synchronous=FULL), and nothing of this process comes between the statements of a transaction.
 */
export interface State extends Disposable {
  readonly path: string;
  /** Builds queries; runs none: hand them to `all`, `first` or `run`. */
  readonly query: Kysely<Tables>;
  all<O>(query: Compilable<O>): O[];
  first<O>(query: Compilable<O>): O | undefined;
  /** Runs an insert, update or delete; answers how many rows it changed. */
  run(query: Compilable): number;
  /** What `work` reads is of one moment. It may be called again, where it read a file that was changed meanwhile. */
  reading<T>(work: () => T): T;
  /**
   * `BEGIN IMMEDIATE`, or part of the transaction that is open already; an error rolls back.
   * @param lasts `process`: it need not outlive a power cut, so nobody waits for the disk. Every process sees it at once, a kill takes nothing
   * of it away, and the next one that is to last takes it to the disk.
   */
  transaction<T>(work: () => T, lasts?: 'process'): T;
  /** Another text than before, once anybody has changed the database. */
  changes(): string;
  /** Version of the tables. */
  readonly version: number;
  /**
   * Copies it to a file (made before, for its mode), which is proven sound. `forget`: statements that run in the copy.
   * @throws SendenseError `state.unusable`, `disk.full`
   */
  copyTo(file: string, forget: readonly string[]): Promise<void>;
  /** Gives space that is not used any more back, if it is worth it; others may go on meanwhile. Bytes. */
  shrink(): Promise<number>;
  close(): void;
}

export interface OpenStateOptions {
  /**
   * Nothing on the disk is made or changed: it is read where it is, or is empty where there is no database. What is
   * written goes to a copy in memory, and is forgotten. For dry-run, and for commands that only list.
   */
  readonly readOnly?: boolean;
  /** How long a statement waits for another process, in ms. */
  readonly busyTimeout?: number;
}

/**
 * Opens the state database, makes it (file mode 0600, folders 0700) where there is none, and migrates it.
 * @throws SendenseError `state.unusable`, `state.owner`, `disk.full`
 */
export function openState(path: string, options: OpenStateOptions = {}): State {
  try {
    const timeout = options.busyTimeout ?? 15_000;
    assertStatePlace(path);
    return stateOf(path, options.readOnly ? lookAt(path) : accessTo(prepared(path, openFile(path, timeout))));
  } catch (error) {
    throw stateError(path, error);
  }
}

function prepared(path: string, database: Database.Database): Database.Database {
  try {
    database.pragma('foreign_keys = ON');
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** How a state gets at its database. */
interface Access {
  read<T>(work: (database: Database.Database) => T): T;
  writable(): Database.Database;
  close(): void;
}

const accessTo = (database: Database.Database): Access => ({
  read: (work) => work(database),
  writable: () => database,
  close: () => void database.close(),
});

/** The file itself until something is written, then a copy of it. */
function lookAt(path: string): Access {
  const look = openLook(path, isCurrent);
  let copy = look ? null : prepared(path, openCopy(path));
  return {
    read: (work) => (copy || !look ? work(copy as Database.Database) : look.read(work)),
    writable: () => (copy ??= prepared(path, openCopy(path))),
    close: () => {
      look?.close();
      copy?.close();
    },
  };
}

function openFile(path: string, timeout: number): Database.Database {
  refuseForeignState(path);
  assertOwnState(path);
  makeFolders(dirname(path));
  // SQLite gives its -wal and -shm files the mode of the database.
  closeSync(openSync(path, 'a', 0o600));
  const database = openDatabase(path, { timeout });
  try {
    // Only an empty database takes it; then what is deleted can be given back without a lock of the whole.
    database.pragma('auto_vacuum = INCREMENTAL');
    toWal(database, timeout);
    database.pragma('synchronous = FULL');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite does not wait for the lock that this change needs (sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY"). */
function toWal(database: Database.Database, timeout: number): void {
  const end = performance.now() + timeout;
  for (;;) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || performance.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Opening a WAL database makes -wal and -shm files even for reading, so a database that nobody has open is read as a file. */
function openCopy(path: string): Database.Database {
  // Throws for a folder that this user may not look into, which is not the same as an empty one.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return openDatabase(':memory:');
  let image = isInUse(path) ? serialized(path) : readFileSync(path);
  // Another process may have opened it in between and written while the file was read.
  if (isInUse(path)) image = serialized(path);
  if (image.length === 0) return openDatabase(':memory:');
  // Bytes 18 and 19 of the header say WAL, which a database in memory cannot have (sqlite.org/fileformat.html, 1.3).
  if (image[18] === 2) image.fill(1, 18, 20);
  return openDatabase(image);
}

function serialized(path: string): Buffer {
  const database = openDatabase(path, { readonly: true, fileMustExist: true });
  try {
    return database.serialize();
  } finally {
    database.close();
  }
}

type Statement = Database.Statement<unknown[], unknown>;

function stateOf(path: string, access: Access): State {
  const statements = new WeakMap<Database.Database, Map<string, Statement>>();
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw stateError(path, error);
    }
  };
  const attemptLong = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw stateError(path, error);
    }
  };
  const prepare = (database: Database.Database, sql: string): Statement => {
    const known = statements.get(database) ?? new Map<string, Statement>();
    statements.set(database, known);
    const statement = known.get(sql) ?? database.prepare(sql);
    known.set(sql, statement);
    return statement;
  };
  const ask = <T>(query: Compilable, answer: (statement: Statement, parameters: readonly unknown[]) => T): T =>
    attempt(() => {
      const { sql, parameters } = query.compile();
      return access.read((database) => answer(prepare(database, sql), parameters));
    });
  const close = (): void => access.close();
  return {
    path,
    version: migrations.length,
    // data_version is about others, total_changes about this connection (sqlite.org/pragma.html#pragma_data_version).
    changes: () =>
      attempt(() =>
        access.read((database) => {
          const own = prepare(database, 'SELECT total_changes() AS own').get() as { own: number };
          return `${String(database.pragma('data_version', { simple: true }))}.${own.own}`;
        }),
      ),
    query: queryBuilder(),
    all: <O>(query: Compilable<O>) => ask(query, (statement, parameters) => statement.all(...parameters) as O[]),
    first: <O>(query: Compilable<O>) =>
      ask(query, (statement, parameters) => statement.get(...parameters) as O | undefined),
    run: (query) =>
      attempt(() => {
        const { sql, parameters } = query.compile();
        return prepare(access.writable(), sql).run(...parameters).changes;
      }),
    reading: (work) =>
      attempt(() =>
        access.read((database) => (database.inTransaction ? work() : database.transaction(work).deferred())),
      ),
    transaction: (work, lasts) => {
      const database = access.writable();
      if (database.inTransaction) return work();
      const run = () => attempt(() => database.transaction(work).immediate());
      return lasts === undefined ? run() : withoutFlush(database, run);
    },
    copyTo: (file, forget) =>
      attemptLong(() =>
        access
          .read((database) => copyDatabase(database, file, forget))
          .catch((error: unknown) => {
            throw copyError(file, error);
          }),
      ),
    shrink: () => attemptLong(() => shrinkDatabase(access.writable())),
    close,
    [Symbol.dispose]: close,
  };
}

/** In WAL mode NORMAL leaves out only the flush after a commit (sqlite.org/pragma.html#pragma_synchronous). */
function withoutFlush<T>(database: Database.Database, work: () => T): T {
  database.pragma('synchronous = NORMAL');
  try {
    return work();
  } finally {
    database.pragma('synchronous = FULL');
  }
}

function queryBuilder(): Kysely<Tables> {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('state queries run with state.all, state.first, state.run and state.transaction'));
  const driver: Driver = {
    init: () => Promise.resolve(),
    acquireConnection: refuse,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    releaseConnection: () => Promise.resolve(),
    destroy: () => Promise.resolve(),
  };
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (database) => new SqliteIntrospector(database),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}
