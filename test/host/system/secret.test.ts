import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readSecret } from '../../../src/host/system/secret.ts';
import type { Secret } from '../../../src/schemas/types.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const value = 'pa55 wörd "$x" `y`';

afterEach(() => void vi.unstubAllEnvs());

describe('readSecret', () => {
  test('from a file, relative to the folder, one trailing newline dropped', async () => {
    await using folder = await temporaryFolder();
    for (const end of ['', '\n', '\r\n']) {
      await writeFile(folder.file('token'), value + end);
      expect(await readSecret({ secret: { file: 'token' } }, folder.path)).toBe(value);
      expect(await readSecret({ secret: { file: folder.file('token') } }, '/')).toBe(value);
    }
    await writeFile(folder.file('token'), `${value}\n\n`);
    expect(await readSecret({ secret: { file: 'token' } }, folder.path)).toBe(`${value}\n`);
  });

  test('from the environment', async () => {
    vi.stubEnv('SENDENSE_TEST_SECRET', value);
    expect(await readSecret({ secret: { env: 'SENDENSE_TEST_SECRET' } }, '/')).toBe(value);
  });

  test('from systemd, by name only', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('credentials'));
    await writeFile(folder.file('credentials', 'token'), value);
    await writeFile(folder.file('outside'), 'no');
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder.file('credentials'));
    expect(await readSecret({ secret: { systemd: 'token' } }, '/')).toBe(value);
    await expect(readSecret({ secret: { systemd: '../outside' } }, '/')).rejects.toMatchObject({
      code: 'secret.unreadable',
    });
  });

  test('from a command, run in the folder, never through a shell', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('tell'), '#!/bin/sh\nprintf "%s\\n" "$1"\n');
    await chmod(folder.file('tell'), 0o755);
    expect(await readSecret({ secret: { command: ['./tell', value] } }, folder.path)).toBe(value);
  });

  test.each([
    ['a missing file', { file: 'nowhere' }, /file .*nowhere cannot be read \(ENOENT\)/],
    ['a folder', { file: '.' }, /EISDIR/],
    ['an empty file', { file: 'empty' }, /file .*empty is empty/],
    ['an unset variable', { env: 'SENDENSE_TEST_UNSET' }, /environment variable SENDENSE_TEST_UNSET is empty/],
    ['no systemd', { systemd: 'token' }, /systemd credential token cannot be read/],
    ['a missing command', { command: ['no-such-tool'] }, /command no-such-tool cannot be read \(tool.missing\)/],
    ['a silent command', { command: ['true'] }, /command true is empty/],
  ])('%s is an error that names the reference', async (_name, secret, message) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('empty'), '\n');
    await expect(readSecret({ secret: secret as Secret['secret'] }, folder.path)).rejects.toMatchObject({
      code: 'secret.unreadable',
      message: expect.stringMatching(message) as string,
    });
  });

  test('what a failing command printed, and its arguments, show nowhere', async () => {
    const failing = readSecret(
      { secret: { command: ['sh', '-c', `echo '${value}'; echo '${value}' >&2; exit 1`] } },
      '/',
    );
    const error: unknown = await failing.catch((reason: unknown) => reason);
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 10 })).not.toContain('pa55');
    expect(error).toMatchObject({
      code: 'secret.unreadable',
      message: 'secret from command sh cannot be read (tool.failed)',
    });
  });

  test('an abort ends it with the reason', async () => {
    const reason = new Error('enough');
    await expect(readSecret({ secret: { command: ['sleep', '60'] } }, '/', AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
  });
});
