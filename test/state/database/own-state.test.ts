import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openState } from '../../../src/state/database/open-state.ts';
import { assertOwnState, assertOwnStateFolder } from '../../../src/state/database/own-state.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';

const isRoot = process.geteuid?.() === 0;

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

describe('a state folder', () => {
  test.each([
    ['everybody can write to', 0o777, 'chmod o-w'],
    ['others can write to', 0o1777, 'Choose a folder in it'],
  ])('that %s is refused, and nothing is made there', (message, mode, remedy) => {
    const path = folder.file('state', 'sendense.db');
    mkdirSync(folder.file('state'));
    chmodSync(folder.file('state'), mode);
    const refused = expect.objectContaining({
      code: 'state.unusable',
      message: expect.stringContaining(`${message} the folder ${folder.file('state')}`) as string,
      remedy: expect.stringContaining(remedy) as string,
    }) as Error;
    expect(() => openState(path)).toThrow(refused);
    expect(() => assertOwnStateFolder(folder.file('state'))).toThrow(refused);
    expect(readdirSync(folder.file('state'))).toEqual([]);
  });

  test('may be made in a sticky folder, as /tmp is, and may belong to a group, as a volume of a container', () => {
    chmodSync(folder.path, 0o1777);
    openState(folder.file('state', 'sendense.db')).close();
    if (isRoot) chownSync(folder.file('state'), 0, 54_321);
    chmodSync(folder.file('state'), 0o2775);
    openState(folder.file('state', 'sendense.db')).close();
    expect(existsSync(folder.file('state', 'sendense.db'))).toBe(true);
  });

  test('of another user is refused for a node, too', () => {
    if (!isRoot) return;
    mkdirSync(folder.file('state'));
    chownSync(folder.file('state'), 65_534, 65_534);
    expect(() => assertOwnStateFolder(folder.file('state'))).toThrow(
      expect.objectContaining({ code: 'state.unusable', remedy: expect.stringContaining('--state-dir') as string }),
    );
  });

  test('with a database that everybody can write to is refused: it says what a recovery removes', () => {
    const path = folder.file('sendense.db');
    writeFileSync(path, '');
    chmodSync(path, 0o666);
    expect(() => assertOwnState(path)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`everybody can write to ${path}`) as string }),
    );
  });
});
