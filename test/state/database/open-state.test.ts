import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { describe, expect, test } from 'vitest';
import { migrate } from '../../../src/state/database/migrate.ts';
import { migrations } from '../../../src/state/database/migrations.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { listRuns } from '../../../src/state/runs/runs.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { addRuns, temporaryState } from '../temporary-state.ts';
import { testProgram } from '../../programs.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';

const child = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [testProgram('state/state-child'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

describe('a transaction that need not outlive a power cut', () => {
  test('is the only one that waits for no disk: the next one does again, also after an error', () => {
    using temporary = temporaryState();
    using state = openState(join(temporary.folder, 'sendense.db'));
    const synchronous = (): unknown => state.first({ compile: () => CompiledQuery.raw('PRAGMA synchronous') });
    const full = { synchronous: 2 };
    expect(synchronous()).toEqual(full);
    state.transaction(() => expect(synchronous()).toEqual({ synchronous: 1 }), 'process');
    expect(synchronous()).toEqual(full);
    const failing = (): never => {
      throw new Error('no');
    };
    expect(() => state.transaction(failing, 'process')).toThrow('no');
    expect(synchronous()).toEqual(full);
  });

  test('is seen by others at once, and is undone by an error', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'sendense.db');
    using state = openState(path);
    using other = openState(path);
    state.transaction(() => addRuns(state, 'r1'), 'process');
    expect(listRuns(other).map(({ id }) => id)).toEqual(['r1']);
    const failing = (): void => {
      addRuns(state, 'r2');
      throw new Error('no');
    };
    expect(() => state.transaction(failing, 'process')).toThrow('no');
    expect(listRuns(other).map(({ id }) => id)).toEqual(['r1']);
  });
});

describe('openState', () => {
  test('makes the file for its owner alone, and its folders', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'a/b/sendense.db');
    using state = openState(path);
    addRuns(state, 'r1');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    expect(statSync(join(temporary.folder, 'a')).mode & 0o777).toBe(0o700);
  });

  test('is durable, waits for others and enforces foreign keys', () => {
    using temporary = temporaryState();
    using raw = {
      database: openDatabase(temporary.path),
      [Symbol.dispose]() {
        this.database.close();
      },
    };
    expect(raw.database.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(() =>
      temporary.state.run(
        temporary.state.query
          .insertInto('port_leases')
          .values({ port: 10100, run_id: 'nobody', step_id: 's', leased: 1 }),
      ),
    ).toThrow(/FOREIGN KEY/);
  });

  test('keeps what it has when opened again', () => {
    using temporary = temporaryState();
    addRuns(temporary.state, 'r1');
    using again = openState(temporary.path);
    expect(listRuns(again).map(({ id }) => id)).toEqual(['r1']);
  });

  test('refuses a file that is not SQLite', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'notes.txt');
    writeFileSync(
      path,
      'these are my notes, and they are longer than a header of SQLite, so that it looks at them\n'.repeat(9),
    );
    expect(() => openState(path)).toThrow(
      expect.objectContaining({ code: 'state.unusable', message: expect.stringContaining('is not a SQLite database') }),
    );
    expect(() => openState(path, { readOnly: true })).toThrow(expect.objectContaining({ code: 'state.unusable' }));
    expect(readFileSync(path, 'utf8')).toMatch(/^these are my notes/);
  });

  test('what cannot be looked at does not count as empty', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'circle');
    symlinkSync(path, path);
    expect(() => openState(path, { readOnly: true })).toThrow(expect.objectContaining({ code: 'state.unusable' }));
  });

  test('refuses a database of another program', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'other.db');
    const other = openDatabase(path);
    other.exec('CREATE TABLE songs (title TEXT)');
    other.close();
    expect(() => openState(path)).toThrow(
      expect.objectContaining({ code: 'state.unusable', message: expect.stringContaining('another program') }),
    );
  });

  test('refuses a database of a newer version, naming both', () => {
    using temporary = temporaryState();
    const raw = openDatabase(temporary.path);
    raw.pragma('user_version = 99');
    raw.close();
    expect(() => openState(temporary.path)).toThrow(
      `has version 99; this program knows versions up to ${migrations.length}`,
    );
  });

  test('refuses a folder that cannot be written', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'file-not-folder');
    writeFileSync(path, '');
    expect(() => openState(join(path, 'sendense.db'))).toThrow(expect.objectContaining({ code: 'state.unusable' }));
    mkdirSync(join(temporary.folder, 'folder'));
    expect(() => openState(join(temporary.folder, 'folder'))).toThrow(
      expect.objectContaining({ code: 'state.unusable' }),
    );
  });

  test('applies only the migrations that are missing', () => {
    using temporary = temporaryState();
    addRuns(temporary.state, 'r1');
    const raw = openDatabase(temporary.path);
    migrate(raw, temporary.path, [...migrations, 'CREATE TABLE later (x INTEGER) STRICT']);
    expect(raw.pragma('user_version', { simple: true })).toBe(migrations.length + 1);
    expect(raw.prepare('SELECT count(*) AS n FROM later').get()).toEqual({ n: 0 });
    expect(raw.prepare('SELECT id FROM runs').all()).toEqual([{ id: 'r1' }]);
    raw.close();
  });

  test('a migration that fails changes nothing', () => {
    using temporary = temporaryState();
    const raw = openDatabase(temporary.path);
    expect(() => migrate(raw, temporary.path, [...migrations, 'CREATE TABLE later (x INTEGER); nonsense'])).toThrow();
    expect(raw.pragma('user_version', { simple: true })).toBe(migrations.length);
    expect(raw.prepare(`SELECT name FROM sqlite_schema WHERE name = 'later'`).all()).toEqual([]);
    raw.close();
  });

  test('several processes may open a new database at once', { timeout: 300_000 }, async () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'new/sendense.db');
    const children = Array.from({ length: 4 }, () => child('open', path));
    const codes = await Promise.all(children.map(async (one) => (await once(one, 'exit'))[0] as number));
    expect(codes).toEqual([0, 0, 0, 0]);
  });
});

describe('transaction', () => {
  test('rolls back as a whole, also from within another', () => {
    using temporary = temporaryState();
    const { state } = temporary;
    expect(() =>
      state.transaction(() => {
        addRuns(state, 'r1');
        state.transaction(() => addRuns(state, 'r2'));
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(listRuns(state)).toEqual([]);
  });

  test('queries cannot be run behind its back', async () => {
    using temporary = temporaryState();
    await expect(temporary.state.query.selectFrom('runs').selectAll().execute()).rejects.toThrow(/state\.all/);
  });
});

describe('read only', () => {
  test('a missing database is an empty one, and nothing is made', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'nowhere/sendense.db');
    using state = openState(path, { readOnly: true });
    expect(listRuns(state)).toEqual([]);
    addRuns(state, 'r1');
    expect(existsSync(join(temporary.folder, 'nowhere'))).toBe(false);
  });

  test('a database that nobody has open is read without a trace', () => {
    using temporary = temporaryState();
    const path = join(temporary.folder, 'other/sendense.db');
    const writer = openState(path);
    addRuns(writer, 'r1');
    writer.close();
    const before = readFileSync(path);
    {
      using state = openState(path, { readOnly: true });
      addRuns(state, 'forgotten');
      expect(listRuns(state)).toHaveLength(2);
      expect(readdirSync(join(temporary.folder, 'other'))).toEqual(['sendense.db']);
    }
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(join(temporary.folder, 'other'))).toEqual(['sendense.db']);
  });

  test(
    'sees what a process wrote that is still there, and what one wrote that was killed',
    { timeout: 300_000 },
    async () => {
      using temporary = temporaryState();
      const path = join(temporary.folder, 'other/sendense.db');
      const writer = child('write', path, 'r1');
      await once(writer.stdout!, 'data');
      using live = openState(path, { readOnly: true });
      expect(listRuns(live).map(({ id }) => id)).toEqual(['r1']);
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      const files = readdirSync(join(temporary.folder, 'other'));
      using dead = openState(path, { readOnly: true });
      expect(listRuns(dead).map(({ id }) => id)).toEqual(['r1']);
      expect(readdirSync(join(temporary.folder, 'other'))).toEqual(files);
    },
  );
});

describe('the database of another user', () => {
  const service = 65_534;

  test.each([
    ['there', true],
    ['not made yet', false],
  ])('that is %s is not written by root, but read', async (_what, isThere) => {
    if (process.geteuid?.() !== 0) return;
    await using folder = await temporaryFolder();
    const path = folder.file('state/deeper/sendense.db');
    mkdirSync(folder.file('state'));
    if (isThere) openState(path).close();
    for (const name of isThere ? ['state', 'state/deeper', 'state/deeper/sendense.db'] : ['state'])
      chownSync(folder.file(name), service, service);
    expect(() => openState(path)).toThrow(
      expect.objectContaining({
        code: 'state.owner',
        message: `you are root, and the state database ${path} belongs to nobody: what root writes there, nobody could not use any more`,
        remedy: 'Run this as nobody: runuser -u nobody -- sendense-run …',
      }),
    );
    expect(existsSync(folder.file('state/deeper'))).toBe(isThere);
    openState(path, { readOnly: true }).close();
  });

  test('says whose it is, where it cannot be opened for that', async () => {
    if (process.geteuid?.() !== 0) return;
    await using folder = await temporaryFolder();
    const path = folder.file('sendense.db');
    openState(path).close();
    chmodSync(folder.path, 0o777);
    process.seteuid?.(service);
    try {
      expect(() => openState(path)).toThrow(
        expect.objectContaining({
          code: 'state.unusable',
          remedy: `It belongs to root, and you are nobody. Run this as root. If it should be yours, run as root: chown -R nobody: ${folder.path}`,
        }),
      );
    } finally {
      process.seteuid?.(0);
    }
  });
});
