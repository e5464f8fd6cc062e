import { chmod, chown, mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { exists } from '../../../src/host/files/files.ts';
import { isHeld } from '../../../src/host/files/held-folder.ts';
import { createQcow2 } from '../../../src/host/images/qemu-img.ts';
import { isRunning } from '../../../src/host/programs/process-identity.ts';
import { serveNbd } from '../../../src/host/nbd/qemu-nbd.ts';
import {
  clearRunFolder,
  deadRescueFolders,
  makeRunFolder,
  ownFolderId,
  removeRunFolder,
  runFolderOf,
  sweepRunFolders,
} from '../../../src/host/programs/run-folder.ts';
import { testProgram } from '../../programs.ts';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.ts';

afterEach(() => void vi.unstubAllEnvs());

/** The system's temporary folder, for the length of a test. */
async function ownTmp(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  vi.stubEnv('TMPDIR', folder.path);
  return folder;
}

async function firstLine(stream: Readable): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error('it said nothing');
}

describe('the run folder', () => {
  test('is for this user only, follows from the id, and making it again is fine', async () => {
    await using tmp = await ownTmp();
    const folder = await makeRunFolder('run-1');
    expect(folder).toBe(runFolderOf('run-1'));
    expect(folder.startsWith(`${tmp.path}/`)).toBe(true);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(dirname(folder))).mode & 0o777).toBe(0o700);
    expect(await makeRunFolder('run-1')).toBe(folder);
  });

  test('goes away with its content, and its parent with the last one', async () => {
    await using tmp = await ownTmp();
    await writeFile(join(await makeRunFolder('run-1'), 'x'), '');
    await makeRunFolder('run-2');
    await removeRunFolder('run-1');
    expect(await readdir(dirname(runFolderOf('run-2')))).toEqual(['run-2']);
    await removeRunFolder('run-2');
    await removeRunFolder('run-2');
    expect(await readdir(tmp.path)).toEqual([]);
  });

  test('many that come and go at once never fail', async () => {
    await using tmp = await ownTmp();
    const round = async (id: number): Promise<void> => {
      for (let time = 0; time < 10; time++) {
        await writeFile(join(await makeRunFolder(`run-${id}`), 'x'), '');
        await removeRunFolder(`run-${id}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, id) => round(id)));
    expect(await readdir(tmp.path)).toEqual([]);
  });

  test.each([
    ['that others can write to', (parent: string) => mkdir(parent).then(() => chmod(parent, 0o777))],
    ['that others can read', (parent: string) => mkdir(parent).then(() => chmod(parent, 0o750))],
    ['of another user', (parent: string) => mkdir(parent, { mode: 0o700 }).then(() => chown(parent, 65_534, 65_534))],
    ['that is a link', (parent: string) => symlink('/', parent)],
    ['that is a file', (parent: string) => writeFile(parent, '')],
  ])('a parent %s is stepped over', async (name, make) => {
    if (name === 'of another user' && process.getuid?.() !== 0) return;
    await using tmp = await ownTmp();
    const parent = dirname(runFolderOf('run-1'));
    const foreseen = runFolderOf('run-2');
    const dead = `check-${2 ** 22 + 5}-1`;
    await make(parent);
    const folders = await Promise.all(['run-1', 'run-2', dead].map(makeRunFolder));
    const [folder = '', , left = ''] = folders;
    expect(new Set(folders.map(dirname)).size).toBe(1);
    expect(dirname(dirname(folder))).toBe(tmp.path);
    expect(basename(dirname(folder))).toMatch(/^sd-\d+\.[A-Za-z0-9]{6}$/);
    expect((await stat(dirname(folder))).mode & 0o777).toBe(0o700);
    expect(runFolderOf('run-1')).toBe(folder);
    expect(await makeRunFolder('run-1')).toBe(folder);
    await sweepRunFolders();
    expect(await exists(left)).toBe(false);
    // A journal has the path of before.
    await clearRunFolder(foreseen);
    expect(await readdir(dirname(folder))).toEqual(['run-1']);
    await removeRunFolder('run-1');
    expect(await readdir(tmp.path)).toEqual([basename(parent)]);
  });

  test('of a parent of somebody else nothing is removed', async () => {
    await using tmp = await ownTmp();
    await mkdir(tmp.file('home/run-1'), { recursive: true, mode: 0o700 });
    await writeFile(tmp.file('home/run-1/precious'), '');
    await symlink(tmp.file('home'), dirname(runFolderOf('run-1')));
    await removeRunFolder('run-1');
    await clearRunFolder(runFolderOf('run-1'));
    expect(await readdir(tmp.file('home/run-1'))).toEqual(['precious']);
  });

  test('a folder that is in the random place is found also when the usual one is free again', async () => {
    await using _tmp = await ownTmp();
    const parent = dirname(runFolderOf('run-1'));
    await writeFile(parent, '');
    const folder = await makeRunFolder('run-1');
    await rm(parent);
    expect(dirname(await makeRunFolder('run-2'))).toBe(parent);
    expect([runFolderOf('run-1'), await makeRunFolder('run-1')]).toEqual([folder, folder]);
    await removeRunFolder('run-1');
    expect(await exists(dirname(folder))).toBe(false);
  });

  test('clearing it stops the servers of the run and no others', async () => {
    await using tmp = await ownTmp();
    await createQcow2(tmp.file('a.qcow2'), 1024 * 1024, null);
    const serve = async (id: string) => {
      const folder = await makeRunFolder(id);
      return serveNbd({
        file: tmp.file('a.qcow2'),
        format: 'qcow2',
        readOnly: true,
        listen: { socket: join(folder, 's') },
        exportName: '',
        pidFile: join(folder, 'a.pid'),
      });
    };
    const one = await serve('run-1');
    await using other = await serve('run-11');
    await clearRunFolder(runFolderOf('run-1'));
    expect(isRunning(one.process)).toBe(false);
    expect(isRunning(other.process)).toBe(true);
    expect(await exists(runFolderOf('run-1'))).toBe(false);
    await clearRunFolder(runFolderOf('run-1'));
  });

  test('sweeping clears what dead processes left, and nothing else', async () => {
    await using tmp = await ownTmp();
    const dead = 2 ** 22 + 5;
    for (const id of [
      `check-${dead}-1`,
      `hub-${dead}-ab`,
      `dry-${dead}-1`,
      `check-${process.pid}-1`,
      `20261121T010000Z-${dead}-abc`,
    ])
      await makeRunFolder(id);
    await sweepRunFolders();
    expect((await readdir(dirname(runFolderOf('x')))).toSorted()).toEqual([
      `20261121T010000Z-${dead}-abc`,
      `check-${process.pid}-1`,
    ]);
    await rm(dirname(runFolderOf('x')), { recursive: true });
    await sweepRunFolders();
    expect(await readdir(tmp.path)).toEqual([]);
  });

  test('of a process of another pid namespace it is cleared once that is gone, and not before', async () => {
    await using tmp = await ownTmp();
    const parent = dirname(await makeRunFolder('run-1'));
    const args = [testProgram('host/held-folder-child')];
    const other = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: tmp.path },
    });
    const folder = await firstLine(other.stdout);
    const ended = once(other, 'exit');
    try {
      expect(basename(folder)).not.toBe(basename(folder).replace(/\.[0-9]+-/, '-'));
      await utimes(folder, 0, 0);
      await sweepRunFolders();
      expect(await exists(folder)).toBe(true);
    } finally {
      other.kill('SIGKILL');
      await ended;
    }
    // The kernel ends what is in the namespace a moment later.
    await expect.poll(() => isHeld(folder)).toBe(false);
    await utimes(folder, Date.now() / 1000, Date.now() / 1000);
    await sweepRunFolders();
    expect(await exists(folder), 'it may be about to be held').toBe(true);
    await utimes(folder, 0, 0);
    await sweepRunFolders();
    expect(await readdir(parent)).toEqual(['run-1']);
  });

  test('of its own work a process holds from when it is made until it is removed', async () => {
    await using tmp = await ownTmp();
    const id = ownFolderId('check');
    const [folder] = await Promise.all([makeRunFolder(id), makeRunFolder(id)]);
    expect(await isHeld(folder)).toBe(true);
    await removeRunFolder(id);
    expect(await isHeld(folder)).toBe(false);
    expect(await readdir(tmp.path)).toEqual([]);
  });
});

describe('folders of rescues whose process died', () => {
  const dead = 'rescue-999999999-1';

  test('are found where they are of this user alone', async () => {
    await using _tmp = await ownTmp();
    await makeRunFolder(dead);
    const own = ownFolderId('rescue');
    await makeRunFolder(own);
    expect(await deadRescueFolders()).toEqual([dead]);
    // What a rescue wrote is taken back before its folder goes.
    await sweepRunFolders();
    expect(await exists(runFolderOf(dead))).toBe(true);
    await removeRunFolder(own);
  });

  test.each([
    ['a parent that others can write to', () => chmod(dirname(runFolderOf(dead)), 0o777)],
    ['a folder that others can write to', () => chmod(runFolderOf(dead), 0o707)],
    ['a folder of somebody else', () => chown(runFolderOf(dead), 65_534, 65_534)],
    ['a parent of somebody else', () => chown(dirname(runFolderOf(dead)), 65_534, 65_534)],
  ])('%s: nothing in it is believed', async (_, plant) => {
    await using _tmp = await ownTmp();
    await makeRunFolder(dead);
    await plant();
    expect(await deadRescueFolders()).toEqual([]);
  });
});
