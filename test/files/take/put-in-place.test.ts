import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from '../../../src/files/take/part.ts';
import { assertFree, putInPlace } from '../../../src/files/take/put-in-place.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';

let folder: TemporaryFolder;
let made: string;
let target: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  made = join(folder.path, 'made');
  target = join(folder.path, 'target');
  mkdirSync(target);
});

afterEach(() => folder[Symbol.asyncDispose]());

const put = (overwrite = false): void =>
  putInPlace({ from: Buffer.from(made), folder: target, name: Buffer.from('it'), shown: 'target/it' }, overwrite);

it('a file gets its name, and never that of another one', () => {
  writeFileSync(made, 'new');
  put();
  expect(readFileSync(join(target, 'it'), 'utf8')).toBe('new');
  expect(existsSync(made)).toBe(false);
  writeFileSync(made, 'newer');
  expect(() => put()).toThrow(expect.objectContaining({ code: 'file.exists' }) as Error);
  expect(readFileSync(join(target, 'it'), 'utf8')).toBe('new');
  put(true);
  expect(readFileSync(join(target, 'it'), 'utf8')).toBe('newer');
});

it('a file does not follow a link that has its name', () => {
  writeFileSync(join(folder.path, 'victim'), 'untouched');
  symlinkSync('../victim', join(target, 'it'));
  writeFileSync(made, 'new');
  expect(() => put()).toThrow('exists already');
  put(true);
  expect(readFileSync(join(target, 'it'), 'utf8')).toBe('new');
  expect(readFileSync(join(folder.path, 'victim'), 'utf8')).toBe('untouched');
});

it('a link is named as a link', () => {
  symlinkSync('/nowhere', made);
  put();
  expect(readlinkSync(join(target, 'it'))).toBe('/nowhere');
});

it('a folder gets its name with its mode, and never that of an empty one', () => {
  mkdirSync(made, { mode: 0o750 });
  writeFileSync(join(made, 'file'), '');
  put();
  expect(statSync(join(target, 'it')).mode & 0o777).toBe(0o750);
  expect(existsSync(join(target, 'it/file'))).toBe(true);
  mkdirSync(made);
  mkdirSync(join(target, 'other'));
  expect(() => put()).toThrow('exists already');
});

it('folders are merged: files are replaced, and what only the target has stays', () => {
  mkdirSync(join(made, 'inner'), { recursive: true });
  mkdirSync(join(target, 'it/inner'), { recursive: true });
  writeFileSync(join(made, 'inner/both'), 'new');
  writeFileSync(join(made, 'inner/new'), 'new');
  writeFileSync(join(target, 'it/inner/both'), 'old');
  writeFileSync(join(target, 'it/inner/mine'), 'mine');
  put(true);
  expect(readFileSync(join(target, 'it/inner/both'), 'utf8')).toBe('new');
  expect(readFileSync(join(target, 'it/inner/new'), 'utf8')).toBe('new');
  expect(readFileSync(join(target, 'it/inner/mine'), 'utf8')).toBe('mine');
});

it('nothing is replaced where a folder and a file have the same name below', () => {
  mkdirSync(join(made, 'z'), { recursive: true });
  writeFileSync(join(made, 'a'), 'new');
  mkdirSync(join(target, 'it'));
  writeFileSync(join(target, 'it/a'), 'old');
  writeFileSync(join(target, 'it/z'), 'a file');
  expect(() => put(true)).toThrow('target/it/z exists already');
  expect(readFileSync(join(target, 'it/a'), 'utf8')).toBe('old');
});

it('a link to a folder is not merged into', () => {
  mkdirSync(made);
  writeFileSync(join(made, 'file'), 'new');
  mkdirSync(join(folder.path, 'elsewhere'));
  symlinkSync('../elsewhere', join(target, 'it'));
  expect(() => put(true)).toThrow('exists already');
  expect(existsSync(join(folder.path, 'elsewhere/file'))).toBe(false);
});

it('a name that is taken is told before anything is read', () => {
  writeFileSync(join(target, 'it'), '');
  const free = (overwrite: boolean, isFolder = false): void =>
    assertFree(target, Buffer.from('it'), isFolder, overwrite, 'it');
  expect(() => free(false)).toThrow('exists already');
  expect(() => free(true, true)).toThrow('exists already');
  expect(() => free(true)).not.toThrow();
});

it('folders are merged however deep they are', () => {
  const make =
    "import os\nfor _ in range(1900):\n  os.mkdir('d'); os.chdir('d')\nopen('file', 'w').write(os.environ['TEXT'])";
  for (const [cwd, TEXT] of [
    [made, 'new'],
    [join(target, 'it'), 'old'],
  ] as const) {
    mkdirSync(cwd);
    execaSync('python3', ['-c', make], { cwd, env: { TEXT } });
  }
  const at = join(target, 'it', ...Array.from({ length: 1900 }, () => 'd'), 'file');
  put(true);
  expect(readFileSync(at, 'utf8')).toBe('new');
  removeTree(Buffer.from(join(target, 'it')));
  expect(existsSync(join(target, 'it'))).toBe(false);
});
