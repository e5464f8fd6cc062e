import { execFileSync } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assertFolderToBe } from '../../../src/host/files/folder-to-be.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';

let folder: TemporaryFolder;
const socket = createServer();
beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(folder.file('file'), 'x');
  execFileSync('mkfifo', [folder.file('pipe')]);
  if (process.geteuid?.() === 0) execFileSync('mknod', [folder.file('device'), 'b', '7', '250']);
  await symlink('nowhere', folder.file('dangling'));
  await symlink('loop', folder.file('loop'));
  socket.listen(folder.file('socket'));
  await once(socket, 'listening');
});
afterEach(async () => {
  socket.close();
  await once(socket, 'close');
  await folder[Symbol.asyncDispose]();
});

describe('a folder that is to be written to', () => {
  test('may be there, or be made', async () => {
    await mkdir(folder.file('there'));
    for (const name of ['there', 'not-yet', 'not/yet/deep']) await assertFolderToBe(folder.file(name));
    expect(await readdir(folder.path)).not.toContain('not-yet');
  });

  test.each([
    ['file', 'is a file, not a folder', 'Each disk gets a file of its own there'],
    ['file/below', 'file is a file, not a folder', 'Sendense makes it if it is missing'],
    ['pipe', 'is a pipe, not a folder', 'Name a folder'],
    ['socket', 'is a socket, not a folder', 'Name a folder'],
    ['device', 'is a block device, not a folder', 'qemu-img convert -n -O raw FILE'],
    ['dangling', 'is a link to nowhere, which is not there', 'Make the folder that it leads to'],
    ['dangling/below', 'dangling is a link to nowhere, which is not there', 'remove the link'],
    ['loop', 'lead in a circle', 'Remove the link'],
  ])('%s is refused for what it is, with what helps there', async (name, message, remedy) => {
    if (name === 'device' && process.geteuid?.() !== 0) return;
    await expect(assertFolderToBe(folder.file(name))).rejects.toMatchObject({
      code: 'file.exists',
      message: expect.stringContaining(message) as string,
      remedy: expect.stringContaining(remedy) as string,
    });
  });
});
