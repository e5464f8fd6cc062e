import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNamed } from '../../src/host/files/files.ts';
import { expiredTrash, moveToTrash } from '../../src/repository/stored-files/trash.ts';
import { faultsOfCopies, withProof } from '../../src/repository/stored-files/state-copies.ts';
import { locksFolder, trashFolder } from '../../src/repository/layout.ts';
import { manifestSays, manifestSaysNow } from '../../src/repository/manifest-says.ts';
import { dropParts } from '../../src/repository/vm-lock/drop-parts.ts';
import { recordName } from '../../src/repository/vm-lock/lock-record.ts';
import { takeLock } from '../../src/repository/vm-lock/take-lock.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';

let folder: TemporaryFolder;
let root = '';
let outside = '';
beforeEach(async () => {
  folder = await temporaryFolder();
  [root, outside] = [folder.file('repository'), folder.file('outside')];
  for (const path of [root, outside]) await mkdir(path);
});
afterEach(() => folder[Symbol.asyncDispose]());

const at = (...path: string[]): string => join(root, ...path);
async function pipe(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  execFileSync('mkfifo', [path]);
}
async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}
const take = (): Promise<unknown> =>
  takeLock({ root, context: 'vm', locks: join(locksFolder, 'vm'), hub: 'h', run: 'r' });
const copy = 'state-20260101-v5-0123abcd.db';

describe('somebody else can write to the repository', () => {
  it('a sign of life that is a pipe does not keep a lock for ever', async () => {
    const work = 'work-00000000-0000-4000-8000-000000000000';
    const record = {
      format: 'sendense-vm-lock/1',
      fence: 3,
      work,
      hub: 'h',
      host: 'other',
      machine: null,
      place: 'elsewhere',
      process: { pid: 1, start_time: '1', boot_id: 'b' },
      run: 'run-1',
      taken: '',
      silent_after_ms: 1_000_000,
    };
    await pipe(at(locksFolder, 'vm', work, 'alive'));
    await writeFile(at(locksFolder, 'vm', recordName(3)), JSON.stringify(record));
    expect(await take()).toMatchObject({ taken: false });
  });

  it.each(['.sendense', locksFolder, join(locksFolder, 'vm')])(
    '%s is a link: no lock is made elsewhere',
    async (path) => {
      await link(outside, at(path));
      await expect(take()).rejects.toMatchObject({ code: 'repository.unusable' });
      expect(await readdir(outside)).toEqual([]);
    },
  );

  it.each(['.sendense', trashFolder, join(trashFolder, 'now')])(
    '%s is a link: nothing is put aside there',
    async (path) => {
      await link(outside, at(path));
      await mkdir(at('vm'));
      await writeFile(at('vm', 'a'), 'x');
      await expect(moveToTrash(root, 'now', 'vm/a', null)).rejects.toMatchObject({ code: 'repository.unusable' });
      expect([await readdir(at('vm')), await readdir(outside)]).toEqual([['a'], []]);
    },
  );

  it('what is emptied from the trash are folders of the trash alone', async () => {
    await mkdir(join(outside, '20260101T000000Z'));
    await link(join(outside, '20260101T000000Z'), at(trashFolder, '20260101T000000Z'));
    await writeFile(at(trashFolder, '20260102T000000Z'), 'x');
    await mkdir(at(trashFolder, '20260103T000000Z'));
    expect((await expiredTrash(root, Date.now() + 1e12)).map(({ name }) => name)).toEqual(['20260103T000000Z']);
  });

  it('the trash is a link: nothing of it is emptied', async () => {
    await mkdir(join(outside, '20260101T000000Z'));
    await link(outside, at(trashFolder));
    await expect(expiredTrash(root, Date.now())).rejects.toMatchObject({ code: 'repository.unusable' });
  });

  it('a proof of a copy that is a pipe is a fault, and is replaced by the next copy', async () => {
    await pipe(at('.sendense', `${copy}.sha256`));
    await writeFile(at('.sendense', copy), 'x');
    expect(await faultsOfCopies(root)).toMatchObject([expect.stringContaining('cannot be read')]);
    await withProof(at('.sendense', copy), at('.sendense', copy), async () => {});
    expect(await faultsOfCopies(root)).toEqual([]);
  });

  it('copies elsewhere are none of this repository', async () => {
    await link(outside, at('.sendense'));
    expect(await faultsOfCopies(root)).toMatchObject([expect.stringContaining('lies outside of the repository')]);
  });

  it('a folder that is named as a part stays', async () => {
    await mkdir(at('vm', 'disk-0', 'b1.qcow2.sendense-part'), { recursive: true });
    await writeFile(at('vm', 'disk-0', 'b2.qcow2.sendense-part'), 'x');
    await dropParts(root, 'vm');
    expect(await readdir(at('vm', 'disk-0'))).toEqual(['b1.qcow2.sendense-part']);
  });

  it.each(['null', '5', '"x"', '[]', '{', '', '{"checksum":{"toString":null}}'])('a manifest says %s', async (text) => {
    await writeFile(at('b1.json'), text);
    expect((await manifestSays(at('b1.json')))?.checksum).toBeUndefined();
    expect(manifestSaysNow(at('b1.json'))).toEqual(await manifestSays(at('b1.json')));
  });

  it('a manifest that is a pipe or a link says nothing', async () => {
    await pipe(at('b1.json'));
    await link(join(outside, 'a'), at('b2.json'));
    await writeFile(join(outside, 'a'), '{"checksum":"x"}');
    for (const name of ['b1.json', 'b2.json']) {
      await expect(manifestSays(at(name))).rejects.toThrow(name);
      expect(manifestSaysNow(at(name))).toBeNull();
    }
    expect(await manifestSays(at('b3.json'))).toBeNull();
  });

  it('a link that leads to itself, or nowhere, is there', async () => {
    await link(at('loop'), at('loop'));
    await link('nothing', at('lost'));
    expect(await Promise.all(['loop', 'lost', 'none'].map((name) => isNamed(at(name))))).toEqual([true, true, false]);
    expect((await lstat(at('loop'))).isSymbolicLink()).toBe(true);
  });
});
