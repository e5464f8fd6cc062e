import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { laterAdoption, marksIn, readMarks } from '../../src/repository/marks.ts';
import { writeMarks } from './fixture-files.ts';
import { setMarks, marksOf } from '../../src/state/points/point-marks.ts';
import { changeMarks } from '../../src/restore-points/hold/change-marks.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { temporaryState } from '../state/temporary-state.ts';

const kept = { since: 1, until: null, reason: 'audit', by: 'operator' };
const broken = { since: 2, disks: [0, 1], reason: 'a flipped bit', run_id: 'run-1' };

test('one mark is changed, the others stay; the file cannot be written to by accident', async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file('vm'));
  expect(await readMarks(folder.path, 'vm', 'b1')).toBeNull();
  await writeMarks(folder.path, 'vm', 'b1', { protected: kept });
  expect(await writeMarks(folder.path, 'vm', 'b1', { broken })).toEqual({
    format: 'sendense-point-marks/1',
    protected: kept,
    broken,
  });
  expect(await readMarks(folder.path, 'vm', 'b1')).toMatchObject({ protected: kept, broken });
  expect((await writeMarks(folder.path, 'vm', 'b1', { broken: null })).protected).toEqual(kept);
  expect((await stat(folder.file('vm', 'b1.marks'))).mode & 0o777).toBe(0o400);
});

test('whose VM it is stays beside the other marks; without it the text is that of older versions', async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file('vm'));
  const text = (): Promise<string> => readFile(folder.file('vm', 'b1.marks'), 'utf8');
  await writeMarks(folder.path, 'vm', 'b1', { protected: kept });
  const before = await text();
  expect(Object.keys(JSON.parse(before) as object)).toEqual(['format', 'protected', 'broken', 'checksum']);
  const adopted = { identity: 'B', since: 3, by: 'operator' };
  await writeMarks(folder.path, 'vm', 'b1', { adopted });
  await writeMarks(folder.path, 'vm', 'b1', { broken });
  expect(await readMarks(folder.path, 'vm', 'b1')).toMatchObject({ protected: kept, broken, adopted });
  const other = (await text()).replace('"identity": "B"', '"identity": "C"');
  expect(marksIn(await text())).not.toBe(null);
  expect(marksIn(other)).toBe(null);
  await writeMarks(folder.path, 'vm', 'b1', { broken: null, adopted: null });
  expect(await text()).toBe(before);
  expect(laterAdoption(adopted, { ...adopted, since: 4, identity: 'C' })?.identity).toBe('C');
  expect(laterAdoption(null, adopted)).toBe(adopted);
  expect(laterAdoption(null, null)).toBe(null);
});

test.each([
  ['cut off', (text: string) => text.slice(0, -1)],
  ['of another text of the same meaning', (text: string) => text.replace('{\n', '{\n ')],
  ['with a changed reason', (text: string) => text.replace('audit', 'Audit')],
  ['no JSON', () => 'protected!'],
])('a file %s is damaged; writing marks anew repairs it', async (_what, damage) => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file('vm'));
  await writeMarks(folder.path, 'vm', 'b1', { protected: kept });
  const file = folder.file('vm', 'b1.marks');
  await chmod(file, 0o644);
  await writeFile(file, damage(await readFile(file, 'utf8')));
  await expect(readMarks(folder.path, 'vm', 'b1')).rejects.toMatchObject({ code: 'repository.damaged' });
  await writeMarks(folder.path, 'vm', 'b1', { broken });
  expect(await readMarks(folder.path, 'vm', 'b1')).toMatchObject({ protected: null, broken });
});

test('the database has a copy, which goes with the last mark', async () => {
  await using folder = await temporaryFolder();
  using state = temporaryState();
  await mkdir(folder.file('vm'));
  const key = { repository: 'primary', context: 'vm', backupId: 'b1' };
  await changeMarks(state.state, folder.path, key, { broken });
  expect(marksOf(state.state, { repository: 'primary', context: 'vm' }).get('vm/b1')?.broken).toEqual(broken);
  expect(marksOf(state.state, { repository: 'other' }).size).toBe(0);
  await changeMarks(state.state, folder.path, key, { broken: null });
  expect(marksOf(state.state, {}).size).toBe(0);
  setMarks(state.state, key, await readMarks(folder.path, 'vm', 'b1'));
  expect(marksOf(state.state, {}).size).toBe(0);
  const adopted = { identity: 'B', since: 3, by: 'operator' };
  await changeMarks(state.state, folder.path, key, { adopted });
  expect(marksOf(state.state, {}).get('vm/b1')?.adopted).toEqual(adopted);
});

test('VMs that run from it stay beside the other marks; with the last of them and nothing else marked the file goes', async () => {
  await using folder = await temporaryFolder();
  await mkdir(folder.file('vm'));
  const use = { boot: 'boot-1', hub: 'h', host: 'a', folder: '/srv/boot-1', since: 1, by: 'operator' };
  await writeMarks(folder.path, 'vm', 'b1', { protected: kept });
  const before = await readFile(folder.file('vm', 'b1.marks'), 'utf8');
  await writeMarks(folder.path, 'vm', 'b1', { used: (uses) => [...uses, use] });
  await writeMarks(folder.path, 'vm', 'b1', { used: (uses) => [...uses, { ...use, hub: 'other' }] });
  expect(await readMarks(folder.path, 'vm', 'b1')).toMatchObject({ protected: kept, used: [use, { hub: 'other' }] });
  await writeMarks(folder.path, 'vm', 'b1', { used: () => [] });
  expect(await readFile(folder.file('vm', 'b1.marks'), 'utf8')).toBe(before);
  await writeMarks(folder.path, 'vm', 'b1', { protected: null });
  expect(await readMarks(folder.path, 'vm', 'b1')).toBeNull();
  await writeMarks(folder.path, 'vm', 'b1', { broken: null });
});
