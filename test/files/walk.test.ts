import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { GuestError } from '../../src/files/guest/guest-error.ts';
import { walkBelow } from '../../src/files/guest/walk.ts';
import { longestPath, type Entry } from '../../src/files/protocol.ts';
import { entriesOf } from '../../src/files/reader/check-answer.ts';
import { canMount } from '../support/loop-mount.ts';

test('a search that finds nothing pauses again and again, and ends when nobody wants it any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'));
  mkdirSync(join(folder, 'many'));
  for (let at = 0; at < 1100; at++) writeFileSync(join(folder, 'many', `f${at}`), '');
  const open = openSync(folder, constants.O_DIRECTORY);
  try {
    let told = 0;
    let pauses = 0;
    const tell = async (): Promise<void> => void told++;
    const pause = async (): Promise<void> => void pauses++;
    expect(await walkBelow({ file: open, path: Buffer.alloc(0) }, { names: ['nothing'] }, { tell, pause })).toEqual({
      seen: 1101,
      unreadable: [],
    });
    expect([told, pauses]).toEqual([0, 4]);
    const unwanted = async (): Promise<void> => {
      throw new GuestError('cancelled', 'nobody wants it any more');
    };
    const ended = walkBelow({ file: open, path: Buffer.alloc(0) }, { names: ['nothing'] }, { tell, pause: unwanted });
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
  } finally {
    closeSync(open);
    rmSync(folder, { recursive: true });
  }
});

async function walked(folder: string): Promise<{ paths: string[]; unreadable: readonly string[] }> {
  const open = openSync(folder, constants.O_DIRECTORY);
  const paths: string[] = [];
  // As the hub takes it.
  const take = entriesOf((entry) => void paths.push(Buffer.from(entry.name, 'base64').toString()));
  const tell = (entry: Entry): Promise<void> => take(Buffer.from(`${JSON.stringify(entry)}\n`));
  try {
    const { unreadable } = await walkBelow(
      { file: open, path: Buffer.alloc(0) },
      {},
      { tell, pause: async () => undefined },
    );
    return { paths, unreadable };
  } finally {
    closeSync(open);
  }
}

test('folders in folders end where their path is longer than anybody could ask for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'));
  try {
    const make = `import os\nos.chdir(${JSON.stringify(folder)})\nfor _ in range(250):\n  os.mkdir('d' * 240)\n  os.chdir('d' * 240)`;
    await execa('python3', ['-c', make]);
    const { paths, unreadable } = await walked(folder);
    expect(paths).toHaveLength(135);
    expect(paths.every((path) => path.length <= longestPath)).toBe(true);
    expect(unreadable).toEqual([expect.stringMatching(/^…d+.*: what is in it has a path of more than 32768 bytes$/)]);
  } finally {
    await execa('rm', ['-rf', folder]);
  }
});

test.skipIf(!canMount)('a folder that is below itself is told once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'));
  try {
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    writeFileSync(join(folder, 'a/file'), '');
    await execa('mount', ['--bind', join(folder, 'a'), join(folder, 'a/b')]);
    expect(await walked(folder)).toEqual({ paths: ['a', 'a/b', 'a/file'], unreadable: ['/a/b: ELOOP'] });
  } finally {
    await execa('umount', [join(folder, 'a/b')], { reject: false });
    rmSync(folder, { recursive: true });
  }
});
