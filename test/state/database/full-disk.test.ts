import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { openState } from '../../../src/state/database/open-state.ts';
import { listRuns } from '../../../src/state/runs/runs.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { addRuns } from '../temporary-state.ts';

/** Takes all that is free. */
function fill(path: string): void {
  const chunk = Buffer.alloc(4096);
  expect(() => {
    for (;;) writeFileSync(path, chunk, { flag: 'a' });
  }).toThrow(/ENOSPC/);
}

test('on a full file system the state is not opened, with the way out, and is read all the same', async () => {
  await using folder = await temporaryFolder();
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', folder.path]);
  try {
    const path = folder.file('sendense.db');
    {
      using state = openState(path);
      addRuns(state, 'r1');
    }
    const long = new Date(Date.now() - 60_000);
    utimesSync(path, long, long);
    fill(folder.file('ballast'));
    expect(() => openState(path)).toThrow(
      expect.objectContaining({
        code: 'disk.full',
        message: expect.stringContaining(
          `the file system at ${folder.path} is full (the state database: ${folder.path})`,
        ) as string,
        remedy: expect.stringContaining('`sendense-run restore VM --repository PATH --to DIRECTORY`') as string,
      }),
    );
    // What the attempt leaves stands in the way of SQLite, and not in ours.
    expect(existsSync(`${path}-wal`)).toBe(true);
    expect(statSync(`${path}-wal`).size).toBe(0);
    using look = openState(path, { readOnly: true });
    expect(listRuns(look).map(({ id }) => id)).toEqual(['r1']);
  } finally {
    await execa('umount', [folder.path]);
  }
});

test('a copy that does not fit names where it is made, not the database', async () => {
  await using folder = await temporaryFolder();
  await using _disk = await smallDisk(folder.file('copies'), 'size=128k');
  using state = openState(folder.file('sendense.db'));
  await writeFile(folder.file('copies', 'copy.db'), '');
  await expect(state.copyTo(folder.file('copies', 'copy.db'), [])).rejects.toMatchObject({
    code: 'disk.full',
    message: expect.stringMatching(
      /^no space for \S+copies\/copy\.db, a copy of the state database: .*; the file system at \S+copies is full/,
    ) as string,
    remedy: `Make space in the file system at ${folder.file('copies')}.`,
  });
});
