import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What the hub's side keeps beside its state database: `join(stateFolder, NAME)`, and the same with the folder worked out. */
const besideState = /join\((?:stateFolder|dirname\((?:statePath|state\.path)\)), '([^']+)'/g;

test('purging the package names everything that the hub keeps beside its state', () => {
  const script = readFileSync(join(root, 'packaging/deb/scripts/sendense-hub.postrm'), 'utf8');
  const names = globSync('src/{hub,cli,boot,state}/**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(besideState)].map(([, name = '']) => name),
  );
  expect(names).toContain('progress');
  expect(names.filter((name) => !new RegExp(`\\$state/${name}(?![\\w.-])`).test(script))).toEqual([]);
});
