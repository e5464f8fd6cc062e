import { mkdir, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { moveOf, type BootMove, type MovedDisk } from '../../src/boot/boot-move.ts';
import { recallMove, saveMove } from '../../src/boot/move-journal.ts';
import { thisPlace } from '../../src/host/programs/process-identity.ts';
import { addBoot, changeBoot, findBoot, type BootRow } from '../../src/state/boots/boots.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { temporaryState } from '../state/temporary-state.ts';

const move = (...states: MovedDisk['state'][]): BootMove => ({
  directory: '/srv/moved',
  begun: 5,
  bytesPerSecond: null,
  disks: states.map((state, number) => ({ number, path: `/srv/moved/disk-${number}.qcow2`, state })),
});

async function bench() {
  const folder = await temporaryFolder();
  const { state, [Symbol.dispose]: end } = temporaryState();
  await mkdir(folder.file('boot-1'));
  addBoot(state, {
    id: 'boot-1',
    repository: 'primary',
    context: 'vm',
    backup_id: 'b1',
    state: 'up',
    folder: folder.file('boot-1'),
    place: thisPlace(),
    owner: null,
    machine: '{}',
    move: null,
    wanted: 'off',
    paused: null,
    started: 1,
    started_by: 'operator',
  });
  const row = (): BootRow => {
    const found = findBoot(state, 'boot-1');
    if (!found) throw new Error('no row');
    return found;
  };
  return {
    state,
    row,
    journal: folder.file('boot-1/move.json'),
    async [Symbol.asyncDispose]() {
      end();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a database that was put back learns how far the move is, from any point of it', async () => {
  await using at = await bench();
  const { state, row } = at;
  const steps = [
    move('waiting', 'waiting'),
    move('streaming', 'waiting'),
    move('copied', 'streaming'),
    move('copied', 'copied'),
    move('done', 'done'),
  ];
  const before: (string | null)[] = [null];
  for (const step of steps) {
    await saveMove(state, row(), step);
    for (const old of before) {
      changeBoot(state, 'boot-1', { move: old, state: 'up' });
      const recalled = recallMove(state, row());
      expect(moveOf(recalled)).toEqual(step);
      expect(recalled.state).toBe(step === steps.at(-1) ? 'moved' : 'up');
      expect(row()).toEqual(recalled);
    }
    before.push(JSON.stringify(step));
  }
});

test('where it is not clear how far the move is nothing is changed, and the error says what to look at', async () => {
  await using at = await bench();
  const { state, row, journal } = at;
  await saveMove(state, row(), move('streaming'));
  const other = JSON.stringify({ ...move('waiting'), directory: '/srv/other', begun: 9 });
  changeBoot(state, 'boot-1', { move: other });
  expect(() => recallMove(state, row())).toThrow(/a move to \/srv\/other, and move\.json is of one to \/srv\/moved/);
  expect(row().move).toBe(other);
  for (const text of ['', '{', '[]', 'null', '{"format":"sendense-boot-move/1","move":{"directory":"x","disks":[]}}']) {
    await writeFile(journal, text);
    expect(() => recallMove(state, row()), text).toThrow(/move\.json is not as it was written/);
  }
  // A VM that is to go goes all the same.
  expect(recallMove(state, { ...row(), state: 'stopping' }).move).toBe(other);
  await rm(journal);
  expect(recallMove(state, row()).move).toBe(other);
});

test('a file that was put back does not take the database back', async () => {
  await using at = await bench();
  const { state, row } = at;
  await saveMove(state, row(), move('streaming'));
  const later = JSON.stringify(move('copied'));
  changeBoot(state, 'boot-1', { move: later });
  expect(recallMove(state, row()).move).toBe(later);
});
