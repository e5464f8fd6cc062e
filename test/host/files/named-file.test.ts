import { execFileSync, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, open, symlink, truncate, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNamedFile, readNamedFileNow } from '../../../src/host/files/named-file.ts';
import { readSecret } from '../../../src/host/system/secret.ts';
import { readToken } from '../../../src/node/token.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';

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

  it('waits for a pipe that the caller has open, as `<(…)` of a shell', async () => {
    execFileSync('mkfifo', [folder.file('pipe')]);
    await using held = await open(folder.file('pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    spawn('sh', ['-c', 'exec >"$0"; sleep 0.2; printf some; sleep 0.2; printf thing', folder.file('pipe')]);
    expect((await read(`/proc/self/fd/${held.fd}`)).toString()).toBe('something');
    spawn('sh', ['-c', 'exec cat /dev/zero >"$0"', folder.file('pipe')]);
    await expect(read(`/dev/fd/${held.fd}`)).rejects.toMatchObject({ code: 'EFBIG' });
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
