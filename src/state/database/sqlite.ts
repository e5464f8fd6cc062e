import Database from 'better-sqlite3';

/** better-sqlite3 asks the environment, when its first database is opened, whether names may be URIs. */
const variable = 'SQLITE_USE_URI';
let loaded = false;

/** The one place where databases are opened. `file` may be a `file:` URI (sqlite.org/uri.html). */
export function openDatabase(file: string | Buffer, options: Database.Options = {}): Database.Database {
  if (loaded) return new Database(file, options);
  const before = process.env[variable];
  process.env[variable] = '1';
  try {
    return new Database(file, options);
  } finally {
    loaded = true;
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
  }
}
