import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { distrustOfFolder } from '../../src/host/trust/distrust-of.ts';
import { openRepository } from '../../src/repository/open-repository.ts';
import { assertOwnFolder } from '../../src/repository/own-folder.ts';
import { receiveFiles } from '../../src/repository/stored-files/receive-files.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';

const stranger = 65_534;
/** In no file of this machine. */
const someGroup = 54_321;
/** Only root gives files away; what needs that says nothing for others. */
const isRoot = process.geteuid?.() === 0;

let folder: TemporaryFolder;
let root = '';
beforeEach(async () => {
  folder = await temporaryFolder();
  root = folder.file('around', 'repository');
  mkdirSync(root, { recursive: true });
});
afterEach(() => folder[Symbol.asyncDispose]());

const open = (group?: number): Promise<unknown> => openRepository('primary', root, false, group);
const refused = (message: string, remedy = ''): object => ({
  code: 'repository.unusable',
  message: expect.stringContaining(message) as string,
  remedy: expect.stringContaining(remedy) as string,
});

describe('the folder of a repository', () => {
  test('that another user has made first is refused, with or without the mark of a repository', async () => {
    if (!isRoot) return;
    await open();
    chownSync(root, stranger, stranger);
    await expect(open()).rejects.toMatchObject(
      refused(`the folder ${root} belongs to user nobody (65534)`, `chown 0 ${root}`),
    );
    chownSync(root, 0, 0);
    await open();
  });

  test('that is empty and belongs to another user gets no mark', async () => {
    if (!isRoot) return;
    chownSync(root, stranger, stranger);
    await expect(open()).rejects.toMatchObject(refused('belongs to user nobody'));
    expect(readdirSync(root)).toEqual([]);
  });

  test.each([
    ['itself', '.', 0o777, 'everybody can write to the folder', 'chmod o-w'],
    ['itself, sticky', '.', 0o1777, 'others can write to the folder', 'Choose a folder in it'],
    ['above it', '..', 0o777, 'everybody can write to the folder', 'chmod o-w'],
  ])('is refused where everybody can write: %s', async (_what, name, mode, message, remedy) => {
    chmodSync(join(root, name), mode);
    await expect(open()).rejects.toMatchObject(refused(`${message} ${join(root, name)}`, remedy));
    expect(readdirSync(root)).toEqual([]);
  });

  test('may be in a sticky folder, as /tmp is', async () => {
    chmodSync(join(root, '..'), 0o1777);
    await open();
  });

  test('is not made where another user owns the folder above it', async () => {
    if (!isRoot) return;
    const path = join(root, 'deep', 'down');
    chownSync(root, stranger, stranger);
    await expect(openRepository('primary', path, false)).rejects.toMatchObject(
      refused(`the folder ${root} belongs to`),
    );
    expect(readdirSync(root)).toEqual([]);
  });

  test('may be written by a group only if the settings name it', async () => {
    if (!isRoot) return;
    chownSync(root, 0, someGroup);
    chmodSync(root, 0o2775);
    await expect(open()).rejects.toMatchObject(refused(`group ${someGroup} can write to`, `chmod g-w ${root}`));
    await expect(open(someGroup + 1)).rejects.toMatchObject(refused(`group ${someGroup} can write to`));
    await open(someGroup);
    await assertOwnFolder(root, 'vm/disk-0');
  });

  test('may belong to another user if files that this user makes there do, too, as on NFS with root_squash', () => {
    if (!isRoot) return;
    chownSync(root, stranger, stranger);
    const judge = (writer: number | null): unknown => distrustOfFolder(root, { writerIn: () => writer });
    expect(judge(stranger)).toBeNull();
    expect(judge(0)).toMatchObject({ message: expect.stringContaining('belongs to user nobody') as string });
    expect(judge(null)).not.toBeNull();
    chmodSync(root, 0o777);
    expect(judge(stranger)).not.toBeNull();
  });
});

describe('a folder in a repository', () => {
  test.each(['vm', 'vm/disk-0', '.sendense'])('%s that another user made first is refused', async (name) => {
    if (!isRoot) return;
    mkdirSync(join(root, 'vm', 'disk-0'), { recursive: true });
    mkdirSync(join(root, '.sendense'));
    const wanted = name.startsWith('vm') ? 'vm/disk-0' : '.sendense/locks/vm';
    await assertOwnFolder(root, wanted);
    chownSync(join(root, name), stranger, stranger);
    await expect(assertOwnFolder(root, wanted)).rejects.toMatchObject(refused(`${join(root, name)} belongs to`));
    chownSync(join(root, name), 0, 0);
    chmodSync(join(root, name), 0o777);
    await expect(assertOwnFolder(root, wanted)).rejects.toMatchObject(refused('everybody can write', 'chmod o-w'));
  });

  test.each(['vm', 'vm/disk-0'])('%s that is a link gets no file of a copy', async (name) => {
    const outside = folder.file('outside');
    mkdirSync(join(outside, 'disk-0'), { recursive: true });
    writeFileSync(join(outside, 'disk-0', 'mine'), '');
    if (name !== 'vm') mkdirSync(join(root, 'vm'));
    symlinkSync(name === 'vm' ? outside : join(outside, 'disk-0'), join(root, name));
    await using receiver = receiveFiles(root, { prove: async () => {} });
    await expect(receiver.begin('vm/disk-0/b1.qcow2', 10)).rejects.toMatchObject(refused('no folder but a link'));
    expect(readdirSync(join(outside, 'disk-0'))).toEqual(['mine']);
  });
});
