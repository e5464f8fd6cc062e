import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable, type Driver } from 'kysely';
import { migrate } from './migrate.ts';
import { stateError } from './state-error.ts';
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
  /** `BEGIN IMMEDIATE`, or part of the transaction that is open already; an error rolls back. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export interface OpenStateOptions {
  /**
   * Works on a copy in memory, which is empty where there is no database: nothing on the disk is made or changed, and
   * what is written is forgotten. For dry-run, and for commands that only list.
   */
  readonly readOnly?: boolean;
  /** How long a statement waits for another process, in ms. */
  readonly busyTimeout?: number;
}

/**
 * Opens the state database, makes it (file mode 0600, folders 0700) where there is none, and migrates it.
 * @throws SendenseError `state.unusable`, `disk.full`
 */
export function openState(path: string, options: OpenStateOptions = {}): State {
  try {
    const timeout = options.busyTimeout ?? 15_000;
    const database = options.readOnly ? openCopy(path) : openFile(path, timeout);
    try {
      database.pragma('foreign_keys = ON');
      migrate(database, path);
    } catch (error) {
      database.close();
      throw error;
    }
    return stateOf(path, database);
  } catch (error) {
    throw stateError(path, error);
  }
}

function openFile(path: string, timeout: number): Database.Database {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its -wal and -shm files the mode of the database.
  closeSync(openSync(path, 'a', 0o600));
  const database = new Database(path, { timeout });
  try {
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
  const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;
  if (!isThere(path)) return new Database(':memory:');
  const inUse = (): boolean => isThere(`${path}-wal`);
  let image = inUse() ? serialized(path) : readFileSync(path);
  // Another process may have opened it in between and written while the file was read.
  if (inUse()) image = serialized(path);
  if (image.length === 0) return new Database(':memory:');
  // Bytes 18 and 19 of the header say WAL, which a database in memory cannot have (sqlite.org/fileformat.html, 1.3).
  if (image[18] === 2) image.fill(1, 18, 20);
  return new Database(image);
}

function serialized(path: string): Buffer {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return database.serialize();
  } finally {
    database.close();
  }
}

function stateOf(path: string, database: Database.Database): State {
  const statements = new Map<string, Database.Statement<unknown[], unknown>>();
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw stateError(path, error);
    }
  };
  const execute = <T>(
    query: Compilable,
    work: (statement: Database.Statement<unknown[], unknown>, parameters: readonly unknown[]) => T,
  ): T =>
    attempt(() => {
      const { sql, parameters } = query.compile();
      let statement = statements.get(sql);
      if (!statement) statements.set(sql, (statement = database.prepare(sql)));
      return work(statement, parameters);
    });
  const close = (): void => void database.close();
  return {
    path,
    query: queryBuilder(),
    all: <O>(query: Compilable<O>) => execute(query, (statement, parameters) => statement.all(...parameters) as O[]),
    first: <O>(query: Compilable<O>) =>
      execute(query, (statement, parameters) => statement.get(...parameters) as O | undefined),
    run: (query) => execute(query, (statement, parameters) => statement.run(...parameters).changes),
    transaction: (work) => (database.inTransaction ? work() : attempt(() => database.transaction(work).immediate())),
    close,
    [Symbol.dispose]: close,
  };
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
