import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolders } from '../../../src/host/files/make-folders.ts';
import { openHub } from '../../../src/hub/open-hub.ts';
import { startNode } from '../../../src/node/start-node.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { assertOwnStateFolder } from '../../../src/state/database/own-state.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';

let folder: TemporaryFolder;
const at = (...names: string[]): string => folder.file(...names);
beforeEach(async () => {
  folder = await temporaryFolder();
  writeFileSync(at('file'), 'hi');
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync('loop', at('loop'));
});
afterEach(() => folder[Symbol.asyncDispose]());

const cases: readonly (readonly [string, () => string, () => string])[] = [
  ['./folder', () => `${at('folder')} is a folder`, () => `for example: state: ${at('folder', 'sendense.db')}`],
  ['./file/s.db', () => `${at('file')} is a file, not a folder`, () => `Or move ${at('file')} away`],
  ['./file/deep/s.db', () => `${at('file')} is a file, not a folder`, () => `Or move ${at('file')} away`],
  ['./pipe', () => `${at('pipe')} is a pipe`, () => 'Name a file: state: ./state/sendense.db'],
  ['/dev/null', () => '/dev/null is a character device', () => 'Name a file: state: ./state/sendense.db'],
  ['./loop', () => `the links at ${at('loop')} lead in a circle`, () => 'Name a file: state: ./state/sendense.db'],
];

describe.each([{ readOnly: false }, { readOnly: true }])('a state database, read only: $readOnly', ({ readOnly }) => {
  test.each(cases)('%s is refused with the field, its value and the way out', async (state, why, remedy) => {
    const config = at('sendense.yaml');
    writeFileSync(config, `version: 1\nstate: ${state}\nrepositories:\n  primary: { path: ./repository }\n`);
    const before = readdirSync(folder.path);
    const options = { config, startFolder: folder.path, readOnly, embeddedNode: startNode };
    await expect(openHub(options)).rejects.toMatchObject({
      code: 'state.unusable',
      message: `state: ${state} in ${config} cannot be used: ${why()}`,
      remedy: expect.stringContaining(remedy()) as string,
    });
    expect(readdirSync(folder.path)).toEqual(before);
  });

  test('is refused where no settings name it, too', () => {
    expect(() => openState(at('pipe'), { readOnly })).toThrow(/^the state database \S+ cannot be used: \S+ is a pipe$/);
  });
});

test.each(['file', 'file/deep', 'pipe', 'loop'])('%s is no state folder of a node', (name) => {
  expect(() => assertOwnStateFolder(at(name))).toThrow(
    expect.objectContaining({
      code: 'state.unusable',
      remedy: expect.stringMatching(/^Name another folder/) as string,
    }),
  );
});

test('folders are made one by one, and where none can be made that is said at once', () => {
  makeFolders(at('a', 'b', 'c'));
  makeFolders(at('a', 'b', 'c'));
  expect(readdirSync(at('a', 'b'))).toEqual(['c']);
  expect(() => makeFolders('/proc/no/such')).toThrow(/^ENOENT/);
  expect(() => makeFolders(at('file', 'x'))).toThrow(/^(EEXIST|ENOTDIR)/);
});
