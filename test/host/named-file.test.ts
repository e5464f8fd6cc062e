import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNamedFile, readNamedFileNow } from '../../src/host/named-file.ts';
import { readSecret } from '../../src/host/secret.ts';
import { readToken } from '../../src/node/token.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const ways = [
  ['readNamedFile', readNamedFile],
  ['readNamedFileNow', async (path: string, most?: number) => readNamedFileNow(path, most)],
] as const;

describe.each(ways)('%s', (_name, read) => {
  it('reads a file, also by a link, and what the kernel makes up', async () => {
    await writeFile(folder.file('a'), 'x'.repeat(100_000));
    await symlink('a', folder.file('link'));
    expect((await read(folder.file('link'))).length).toBe(100_000);
    expect((await read('/proc/self/comm')).length).toBeGreaterThan(0);
  });

  it('does not wait for a pipe, nor read a device, a folder or what is too large', async () => {
    execFileSync('mkfifo', [folder.file('pipe')]);
    await mkdir(folder.file('folder'));
    await writeFile(folder.file('large'), '');
    await truncate(folder.file('large'), 2 ** 40);
    await expect(read(folder.file('pipe'))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(read('/dev/zero')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(read(folder.file('folder'))).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(read(folder.file('large'))).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(read(folder.file('nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

it('a secret and a token that are a pipe or without end are refused, not waited for', async () => {
  execFileSync('mkfifo', [folder.file('pipe')]);
  for (const path of [folder.file('pipe'), '/dev/zero']) {
    const refused = { code: 'secret.unreadable' };
    await expect(readSecret({ secret: { file: path } }, '/')).rejects.toMatchObject(refused);
    await expect(readToken(path)).rejects.toMatchObject(refused);
  }
});
