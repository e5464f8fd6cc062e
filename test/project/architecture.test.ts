import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const lines = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').split('\n');
const section = (title: string): string[] => {
  const from = lines.indexOf(`## ${title}`) + 1;
  return lines.slice(from).slice(
    0,
    lines.slice(from).findIndex((line) => line.startsWith('## ')),
  );
};

const foldersIn = (path: string): string[] =>
  readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

/** Folder and the file to begin with, as the table of folders has them. */
const rows = section('Folders').flatMap((line) => {
  const [, folder, begin] = /^\| `([a-z0-9/-]+)` +\|[^|]*\| (?:`([a-z0-9.-]+)`)? *\|$/.exec(line) ?? [];
  return folder === undefined ? [] : [{ folder, begin }];
});

const isRow = (line: string): boolean => rows.some(({ folder }) => line.startsWith(`| \`${folder}\` `));

/** Paths below src or the root. A name alone that follows a path is in the same folder. */
function filesIn(line: string): string[] {
  let folder = '';
  return [...line.matchAll(/[a-z0-9.][a-zA-Z0-9./-]*\.(?:ts|json|md)\b/g)].map(([file]) => {
    const isPath = file.includes('/') || folder === '';
    if (isPath) folder = file.slice(0, file.lastIndexOf('/') + 1);
    return isPath ? file : `${folder}${file}`;
  });
}

describe('ARCHITECTURE.md', () => {
  test('every file that it names is there', () => {
    const named = lines.flatMap((line) => (isRow(line) ? [] : filesIn(line)));
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((file) => !existsSync(join(root, 'src', file)) && !existsSync(join(root, file)))).toEqual([]);
  });

  test('the table of folders has every folder of src, two levels deep, and no other', () => {
    const found = foldersIn('src').flatMap((room) => [
      room,
      ...foldersIn(`src/${room}`).map((part) => `${room}/${part}`),
    ]);
    expect(rows.map(({ folder }) => folder).toSorted()).toEqual(found.toSorted());
  });

  test('the file to begin with is there', () => {
    const missing = rows.filter(
      ({ folder, begin }) => begin !== undefined && !existsSync(join(root, 'src', folder, begin)),
    );
    expect(missing).toEqual([]);
  });

  test('every line fits into a terminal of 100 columns, but the drawing of the layers', () => {
    expect(lines.filter((line) => line.length > 100 && !line.startsWith('errors, schemas, '))).toEqual([]);
  });
});

test('every file that CONTRIBUTING.md names is there', () => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  const named = [...text.matchAll(/`((?:src|test|schemas|docs)\/[^`]*\.[a-z]+)`/g)].map(([, file]) => file ?? '');
  // What stands in capitals is for the reader to choose.
  const exact = named.filter((file) => !/[A-Z]/.test(file));
  expect(exact.length).toBeGreaterThan(20);
  expect(exact.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
