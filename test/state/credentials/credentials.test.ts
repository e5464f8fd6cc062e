import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync as filesOf,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { keyFileOf, oldKeyFileOf } from '../../../src/state/credentials/credential-keys.ts';
import {
  addCredential,
  changePassword,
  listCredentials,
  openCredential,
  removeCredential,
} from '../../../src/state/credentials/credentials.ts';
import { openState, type State } from '../../../src/state/database/open-state.ts';
import { rotateKey } from '../../../src/state/credentials/rotate-key.ts';
import { temporaryState } from '../temporary-state.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';

const secrets = { user: 'backup@vsphere.local', password: 'päss"word\\ with % and spaces' };
const code = (name: string): unknown => expect.objectContaining({ code: name });

afterEach(() => {
  delete process.env['CREDENTIALS_DIRECTORY'];
});

/** Runs SQL as who has the file and not our program. */
function tamper(path: string, sql: string): void {
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
}

describe('a stored credential', () => {
  test('opens to what was put in, in this process and another', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
    using again = openState(temporary.path);
    expect(openCredential(again, 'vc1')).toEqual(secrets);
    using copy = openState(temporary.path, { readOnly: true });
    expect(openCredential(copy, 'vc1')).toEqual(secrets);
  });

  test('leaves neither user nor password in the files, and never the same text twice', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    addCredential(temporary.state, 'vc2', secrets);
    temporary.state.close();
    const bytes = readFileSync(temporary.path);
    for (const text of [secrets.user, secrets.password]) expect(bytes.includes(text)).toBe(false);
    const database = openDatabase(temporary.path, { readonly: true });
    const [one, two] = database.prepare('SELECT sealed FROM credentials ORDER BY name').all() as { sealed: Buffer }[];
    database.close();
    expect(one?.sealed.subarray(1, 13).equals(two?.sealed.subarray(1, 13) ?? Buffer.of())).toBe(false);
    expect(one?.sealed.subarray(29).equals(two?.sealed.subarray(29) ?? Buffer.of())).toBe(false);
  });

  test('has a name of its own', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    expect(() => addCredential(temporary.state, 'vc1', secrets)).toThrow(code('credential.exists'));
    expect(() => openCredential(temporary.state, 'vc2')).toThrow(
      expect.objectContaining({ code: 'credential.unknown', message: 'there is no credential vc2; there is vc1' }),
    );
    removeCredential(temporary.state, 'vc1');
    expect(() => removeCredential(temporary.state, 'vc1')).toThrow(/there are none/);
  });

  test('takes a new password and keeps its user', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    changePassword(temporary.state, 'vc1', 'new');
    expect(openCredential(temporary.state, 'vc1')).toEqual({ ...secrets, password: 'new' });
    expect(() => changePassword(temporary.state, 'vc2', 'new')).toThrow(code('credential.unknown'));
  });

  test('does not open under another name, in another row, or changed', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    addCredential(temporary.state, 'vc2', { user: 'root', password: 'other' });
    const refused = (sql: string, name: string): void => {
      tamper(temporary.path, sql);
      expect(() => openCredential(temporary.state, name), sql).toThrow(code('credential.sealed'));
    };
    refused(`UPDATE credentials SET name = 'vc3' WHERE name = 'vc1'`, 'vc3');
    tamper(temporary.path, `UPDATE credentials SET name = 'vc1' WHERE name = 'vc3'`);
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
    refused(
      `UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE name = 'vc1') WHERE name = 'vc2'`,
      'vc2',
    );
    refused(`UPDATE credentials SET id = 'x' WHERE name = 'vc1'`, 'vc1');
    refused(`UPDATE credentials SET sealed = x'01'`, 'vc1');
    expect(listCredentials(temporary.state)).toMatchObject([
      { name: 'vc1', user: null, problem: expect.stringContaining('was changed') as string },
      { name: 'vc2', user: null },
    ]);
  });

  test('does not open in another database, even with the same key', () => {
    using temporary = temporaryState();
    using other = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    copyFileSync(keyFileOf(temporary.path), keyFileOf(other.path));
    tamper(
      other.path,
      `ATTACH '${temporary.path}' AS source; INSERT INTO credentials SELECT * FROM source.credentials`,
    );
    expect(() => openCredential(other.state, 'vc1')).toThrow(code('credential.sealed'));
  });

  test('opens where database and key were moved together', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    temporary.state.close();
    const path = join(temporary.folder, 'moved.db');
    renameSync(temporary.path, path);
    renameSync(keyFileOf(temporary.path), keyFileOf(path));
    using moved = openState(path);
    expect(openCredential(moved, 'vc1')).toEqual(secrets);
  });
});

describe('the key file', () => {
  test('is made on first use, for its owner alone', () => {
    using temporary = temporaryState();
    expect(listCredentials(temporary.state)).toEqual([]);
    expect(existsSync(keyFileOf(temporary.path))).toBe(false);
    addCredential(temporary.state, 'vc1', secrets);
    const facts = statSync(keyFileOf(temporary.path));
    expect({ mode: facts.mode & 0o777, size: facts.size }).toEqual({ mode: 0o600, size: 32 });
    expect(filesOf(temporary.folder).filter((name) => name.includes('sendense-part'))).toEqual([]);
  });

  test('that others may read is refused, with what to do', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    chmodSync(keyFileOf(temporary.path), 0o640);
    expect(() => openCredential(temporary.state, 'vc1')).toThrow(
      expect.objectContaining({
        code: 'credential.key',
        message: expect.stringContaining('has mode 0640') as string,
        remedy: expect.stringContaining('chmod 600') as string,
      }),
    );
    expect(() => addCredential(temporary.state, 'vc2', secrets)).toThrow(code('credential.key'));
  });

  test.runIf(process.getuid?.() === 0)('that belongs to somebody else is refused', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    chownSync(keyFileOf(temporary.path), 65_534, 65_534);
    expect(() => openCredential(temporary.state, 'vc1')).toThrow(/belongs to user 65534, not to 0/);
  });

  test('that is a link, a folder or too short is refused', () => {
    for (const make of [
      (path: string) => symlinkSync('/dev/zero', path),
      (path: string) => mkdirSync(path, { mode: 0o700 }),
      (path: string) => writeFileSync(path, 'short', { mode: 0o600 }),
    ]) {
      using temporary = temporaryState();
      make(keyFileOf(temporary.path));
      expect(() => addCredential(temporary.state, 'vc1', secrets)).toThrow(code('credential.key'));
    }
  });

  test('of another database says so, by its id', () => {
    using temporary = temporaryState();
    using other = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    addCredential(other.state, 'vc1', secrets);
    copyFileSync(keyFileOf(other.path), keyFileOf(temporary.path));
    expect(() => openCredential(temporary.state, 'vc1')).toThrow(
      expect.objectContaining({
        code: 'credential.sealed',
        message: expect.stringMatching(/was sealed with key [0-9a-f]{16}; .*\.key is key [0-9a-f]{16}/) as string,
      }),
    );
  });

  test('that is gone is not made anew while something is sealed with it', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    renameSync(keyFileOf(temporary.path), join(temporary.folder, 'elsewhere'));
    expect(() => addCredential(temporary.state, 'vc2', secrets)).toThrow(/is gone; credential vc1 was sealed with key/);
    expect(() => openCredential(temporary.state, 'vc1')).toThrow(/there is no key file/);
    removeCredential(temporary.state, 'vc1');
    addCredential(temporary.state, 'vc2', secrets);
    expect(openCredential(temporary.state, 'vc2')).toEqual(secrets);
  });

  test('gives way to the key that systemd has', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    withSystemdKey(temporary.folder, Buffer.alloc(32, 7));
    addCredential(temporary.state, 'vc2', secrets);
    // What was sealed before still opens, until the key is rotated.
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
    const ids = (): Set<string> => new Set(listCredentials(temporary.state).map(({ keyId }) => keyId));
    expect(ids().size).toBe(2);
    expect(rotateKey(temporary.state)).toMatchObject({ kind: 'systemd' });
    expect(ids().size).toBe(1);
    delete process.env['CREDENTIALS_DIRECTORY'];
    expect(() => openCredential(temporary.state, 'vc2')).toThrow(code('credential.sealed'));
  });

  test('of systemd must be a key', () => {
    using temporary = temporaryState();
    withSystemdKey(temporary.folder, Buffer.from('too short'));
    expect(() => addCredential(temporary.state, 'vc1', secrets)).toThrow(/systemd credential .* has 9 bytes/);
  });
});

describe('a new key', () => {
  test('seals all credentials, and the old one is gone', () => {
    using temporary = temporaryState();
    expect(rotateKey(temporary.state)).toBeUndefined();
    addCredential(temporary.state, 'vc1', secrets);
    addCredential(temporary.state, 'vc2', { user: 'root', password: 'other' });
    const [before] = listCredentials(temporary.state);
    const key = readFileSync(keyFileOf(temporary.path));
    const rotated = rotateKey(temporary.state);
    expect(readFileSync(keyFileOf(temporary.path)).equals(key)).toBe(false);
    expect(existsSync(oldKeyFileOf(temporary.path))).toBe(false);
    expect(openCredential(temporary.state, 'vc2').password).toBe('other');
    const after = listCredentials(temporary.state);
    expect(after.every(({ keyId }) => keyId === rotated?.id && keyId !== before?.keyId)).toBe(true);
    expect(after[0]?.updated).toBe(before?.updated);
    expect(statSync(keyFileOf(temporary.path)).mode & 0o777).toBe(0o600);
  });

  test('changes nothing where a credential cannot be opened', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    addCredential(temporary.state, 'vc2', secrets);
    tamper(temporary.path, `UPDATE credentials SET sealed = x'0102' WHERE name = 'vc2'`);
    const key = readFileSync(keyFileOf(temporary.path));
    expect(() => rotateKey(temporary.state)).toThrow(code('credential.sealed'));
    expect(readFileSync(keyFileOf(temporary.path)).equals(key)).toBe(true);
    expect(existsSync(oldKeyFileOf(temporary.path))).toBe(false);
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
  });

  test('is completed by the next rotation after a crash between file and database', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    // As a crash leaves it: the file is new, the old one is kept, the rows are those of before.
    renameSync(keyFileOf(temporary.path), oldKeyFileOf(temporary.path));
    writeFileSync(keyFileOf(temporary.path), Buffer.alloc(32, 9), { mode: 0o600 });
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
    addCredential(temporary.state, 'vc2', secrets);
    rotateKey(temporary.state);
    expect(existsSync(oldKeyFileOf(temporary.path))).toBe(false);
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
    expect(openCredential(temporary.state, 'vc2')).toEqual(secrets);
  });

  test('a crash after the database leaves an old file, which the next rotation removes', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    writeFileSync(oldKeyFileOf(temporary.path), Buffer.alloc(32, 9), { mode: 0o600 });
    rotateKey(temporary.state);
    expect(existsSync(oldKeyFileOf(temporary.path))).toBe(false);
    expect(openCredential(temporary.state, 'vc1')).toEqual(secrets);
  });

  test('is used by who adds a credential with a connection opened before', () => {
    using temporary = temporaryState();
    addCredential(temporary.state, 'vc1', secrets);
    using other: State = openState(temporary.path);
    rotateKey(temporary.state);
    addCredential(other, 'vc2', secrets);
    expect(openCredential(temporary.state, 'vc2')).toEqual(secrets);
    expect(openCredential(other, 'vc1')).toEqual(secrets);
  });
});

function withSystemdKey(folder: string, key: Buffer): void {
  const credentials = join(folder, 'credentials');
  mkdirSync(credentials);
  writeFileSync(join(credentials, 'sendense.key'), key, { mode: 0o400 });
  process.env['CREDENTIALS_DIRECTORY'] = credentials;
}
