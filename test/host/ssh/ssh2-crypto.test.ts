import { execa } from 'execa';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test(
  'a program whose SSH connections were closed goes on when their ciphers are collected',
  { timeout: 300_000 },
  async () => {
    const ran = await execa(process.execPath, [join(import.meta.dirname, 'ciphers-child.ts')], { reject: false });
    expect(ran.exitCode, ran.stderr).toBe(0);
    // `setup.sh` compiles it so that it is safe, and quick.
    expect(ran.stdout).toBe('function native');
  },
);

test('ssh2 is loaded in one place, which looks at its native cryptography first', () => {
  const loading = globSync('{src,test}/**/*.ts', { cwd: root }).filter((file) =>
    /^import (?!type\b)[^;]*'ssh2'|(?:import|require)\('ssh2'\)|load\('ssh2'\)/m.test(
      readFileSync(join(root, file), 'utf8'),
    ),
  );
  expect(loading.filter((file) => !file.endsWith('ssh2-crypto.test.ts'))).toEqual(['src/host/ssh/ssh2.ts']);
});
