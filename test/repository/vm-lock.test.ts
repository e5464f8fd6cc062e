import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import {
  assertHeld,
  nameUnder,
  placeFile,
  publishText,
  removeFile,
  renameFile,
  replaceText,
  replaceTextNow,
} from '../../src/repository/vm-lock/fenced.ts';
import { holdVm, tryHoldVm } from '../../src/repository/vm-lock/hold-vm.ts';
import { recordName, type LockRecord } from '../../src/repository/vm-lock/lock-record.ts';
import { silentAfterMs } from '../../src/repository/vm-lock/take-lock.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { testProgram } from '../programs.ts';
import { printedRandom } from '../support/random.ts';
import { rounds } from '../support/rounds.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

const asking = (folder: Folder, run: string) => ({ root: folder.path, context: 'pgtest1', hub: 'hub-a', run });
const locks = (folder: Folder): string => folder.file('.sendense/locks/pgtest1');
const workOf = async (folder: Folder): Promise<string[]> =>
  (await readdir(locks(folder))).filter((name) => name.startsWith('work-'));

/** What another process would have left that took the lock and did not give it back. */
async function heldBy(folder: Folder, change: Partial<LockRecord>, aliveMsAgo: number): Promise<string> {
  const work = `work-${crypto.randomUUID()}`;
  const record = JSON.parse(await readFile(join(locks(folder), recordName(1)), 'utf8')) as LockRecord;
  await mkdir(join(locks(folder), work));
  const alive = join(locks(folder), work, 'alive');
  await writeFile(alive, '0');
  const then = new Date(Date.now() - aliveMsAgo);
  await utimes(alive, then, then);
  await writeFile(join(locks(folder), recordName(2)), JSON.stringify({ ...record, work, fence: 2, ...change }));
  return work;
}

const elsewhere = { place: 'another boot pid:[1]', hub: 'hub-b', host: 'backup2', run: 'run-b' };

describe('the lock of a VM', () => {
  test('of many that want it one has it; the others hear who; each next has a higher fence', async () => {
    await using folder = await temporaryFolder();
    for (const fence of [1, 2, 3]) {
      const all = await Promise.all(Array.from({ length: 12 }, (_, at) => tryHoldVm(asking(folder, `run-${at}`))));
      const holds = all.flatMap((got) => ('hold' in got ? [got.hold] : []));
      expect(holds.map((hold) => hold.fence)).toEqual([fence]);
      await expect(holdVm(asking(folder, 'run-x'))).rejects.toMatchObject({
        code: 'run.locked',
        message: expect.stringMatching(/^run-\d+ on host .* works on VM pgtest1/) as string,
      });
      await holds[0]?.[Symbol.asyncDispose]();
      expect(await workOf(folder)).toEqual([]);
    }
    expect((await readdir(locks(folder))).sort()).toEqual([recordName(1), recordName(2), recordName(3)]);
  });

  test('an attempt whose folder others are just emptying begins anew', async () => {
    await using folder = await temporaryFolder();
    await mkdir(locks(folder), { recursive: true });
    // As the first half of a removal, in the first attempts.
    const emptied = new Set<string>();
    const end = new AbortController();
    const empty = async (): Promise<void> => {
      while (!end.signal.aborted) {
        for (const name of readdirSync(locks(folder)))
          if (name.startsWith('work-') && (emptied.has(name) || emptied.size < 3)) {
            emptied.add(name);
            rmSync(join(locks(folder), name, 'record'), { force: true });
          }
        await setImmediate();
      }
    };
    const emptying = empty();
    const got = await tryHoldVm(asking(folder, 'run-a'));
    end.abort();
    await emptying;
    expect(got).toMatchObject({ hold: expect.anything() as object });
    expect(emptied.size).toBe(3);
  });

  test('a run that has it gets it again, and has it until it has given it back as often', async () => {
    await using folder = await temporaryFolder();
    const first = await holdVm(asking(folder, 'run-1'));
    const again = await holdVm(asking(folder, 'run-1'));
    expect(again.fence).toBe(first.fence);
    await again[Symbol.asyncDispose]();
    await again[Symbol.asyncDispose]();
    await expect(holdVm(asking(folder, 'run-2'))).rejects.toMatchObject({ code: 'run.locked' });
    await using marks = await holdVm({ ...asking(folder, 'run-2'), of: 'marks' });
    expect(marks.fence).toBe(1);
    await first[Symbol.asyncDispose]();
    await using next = await holdVm(asking(folder, 'run-2'));
    expect(next.fence).toBe(2);
  });

  test('where the process can be seen, it decides; where it cannot, its silence does', async () => {
    await using folder = await temporaryFolder();
    await (await holdVm(asking(folder, 'run-1')))[Symbol.asyncDispose]();

    const work = await heldBy(folder, {}, 10 * silentAfterMs);
    await expect(holdVm(asking(folder, 'run-2'))).rejects.toMatchObject({ code: 'run.locked' });
    await rm(join(locks(folder), work), { recursive: true });

    await heldBy(folder, { process: { ...thisProcess(), start_time: '1' } }, 0);
    const said: string[] = [];
    await (await holdVm({ ...asking(folder, 'run-2'), log: (text) => said.push(text) }))[Symbol.asyncDispose]();
    expect(said).toEqual([expect.stringContaining('whose process is gone')]);
    await rm(join(locks(folder), recordName(3)));

    await heldBy(folder, elsewhere, silentAfterMs - 61_000);
    await expect(holdVm(asking(folder, 'run-2'))).rejects.toMatchObject({
      code: 'run.locked',
      message: expect.stringContaining('run-b on host backup2') as string,
      remedy: expect.stringContaining('in 2 minutes') as string,
    });
    const left = await workOf(folder);
    await rm(join(locks(folder), left[0] ?? ''), { recursive: true });

    await heldBy(folder, elsewhere, silentAfterMs + 1000);
    await using hold = await holdVm({ ...asking(folder, 'run-2'), log: (text) => said.push(text) });
    expect(said.at(-1)).toContain('taken over from run-b on host backup2');
    expect(await workOf(folder)).toEqual([hold.folder.slice(locks(folder).length + 1)]);
  });

  test('whoever was overtaken changes nothing any more', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('pgtest1'));
    const old = await holdVm(asking(folder, 'run-1'));
    await writeFile(folder.file('pgtest1/there'), 'there');
    // Somebody else judged it silent.
    await rm(old.folder, { recursive: true });
    await using hold = await holdVm({ ...asking(folder, 'run-2') });
    expect(hold.fence).toBe(2);
    const file = (name: string): string => folder.file('pgtest1', name);
    const ways: (() => Promise<unknown>)[] = [
      () => publishText(old, file('new'), 'new'),
      () => replaceText(old, file('there'), 'new'),
      async () => replaceTextNow(old, file('there'), 'new'),
      () => removeFile(old, file('there')),
      () => removeFile(old, file('nothing')),
      () => renameFile(old, file('there'), file('new')),
      () => nameUnder(old, file('there')),
      () => assertHeld(old),
    ];
    for (const way of ways) await expect(way()).rejects.toMatchObject({ code: 'run.overtaken' });
    expect(await readdir(folder.file('pgtest1'))).toEqual(['there']);
    expect(await readFile(file('there'), 'utf8')).toBe('there');
    // That it goes takes nothing from who has it now.
    await old[Symbol.asyncDispose]();
    await assertHeld(hold);
  });

  test('whoever is just being overtaken is told so, too: what it had staged goes before its folder', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('pgtest1'));
    await using hold = await holdVm(asking(folder, 'run-1'));
    const file = folder.file('pgtest1/there');
    const emptied = async (staged: string): Promise<void> => {
      await writeFile(staged, 'new');
      await rm(staged);
    };
    await expect(placeFile(hold, file, emptied)).rejects.toMatchObject({ code: 'run.overtaken' });
    // A folder that is not there is something else.
    const missing = folder.file('pgtest2/there');
    await expect(replaceText(hold, missing, 'new')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(() => replaceTextNow(hold, missing, 'new')).toThrow(/ENOENT/);
  });

  test('what it changes is changed, and nothing else is left', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('pgtest1'));
    const file = (name: string): string => folder.file('pgtest1', name);
    await using hold = await holdVm(asking(folder, 'run-1'));
    await publishText(hold, file('a'), 'one');
    await expect(publishText(hold, file('a'), 'two')).rejects.toMatchObject({ code: 'file.exists' });
    await replaceText(hold, file('b'), 'two');
    replaceTextNow(hold, file('b'), 'three');
    await renameFile(hold, file('b'), file('a'));
    expect(await readFile(file('a'), 'utf8')).toBe('three');
    await publishText(hold, file('c'), 'four');
    await removeFile(hold, file('c'));
    await removeFile(hold, file('c'));
    expect(await readdir(folder.file('pgtest1'))).toEqual(['a']);
    expect(await readdir(hold.folder)).toEqual(['alive']);
  });

  test('a record that nobody understands keeps others away while there may be a holder', async () => {
    await using folder = await temporaryFolder();
    await (await holdVm(asking(folder, 'run-1')))[Symbol.asyncDispose]();
    const work = await heldBy(folder, {}, 0);
    await writeFile(join(locks(folder), recordName(2)), 'null');
    await expect(holdVm(asking(folder, 'run-2'))).rejects.toMatchObject({ code: 'repository.damaged' });
    await writeFile(join(locks(folder), recordName(2)), '{"format":"sendense-vm-lock/2"}');
    await expect(holdVm(asking(folder, 'run-2'))).rejects.toMatchObject({
      code: 'repository.damaged',
      remedy: expect.stringContaining(work) as string,
    });
    await rm(join(locks(folder), work), { recursive: true });
    await using hold = await holdVm(asking(folder, 'run-2'));
    expect(hold.fence).toBe(3);
  });
});

/** Processes that count together, in pid namespaces of their own: one cannot see whether the other lives. */
function start(root: string, name: string, apart: boolean): { child: ChildProcess; said: string[] } {
  const program = [process.execPath, testProgram('repository/lock-child'), root, name, '15'];
  const [file = '', ...args] = apart
    ? ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', ...program]
    : program;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => said.push(...text.split('\n').filter(Boolean)));
  return { child, said };
}

describe('processes that are killed, or that others take for dead, at any moment', () => {
  const random = printedRandom('vm-lock');
  test.each(Array.from({ length: rounds(2, 200) }, (_, round) => round))(
    'round %i: no number is given twice',
    async () => {
      await using folder = await temporaryFolder();
      await mkdir(folder.file('pgtest1'));
      await writeFile(folder.file('pgtest1/count'), '0');
      const all = [false, false, false, true, true].map((apart, at) => start(folder.path, `hub-${at}`, apart));
      const ended = all.map(({ child }) => once(child, 'exit'));
      const before = Date.now() - 2 * silentAfterMs;
      const last = all.at(-1)?.child;
      // Those that are killed leave the lock to be taken over; those whose folder is made to look old lose it while they work.
      const victims = all.slice(0, 2).map(({ child }) => child);
      while (all.some(({ child }) => child.exitCode === null && child.signalCode === null)) {
        await delay(random.int(1, 40));
        for (const name of await readdir(locks(folder)).catch(() => []))
          if (name.startsWith('work-')) {
            const then = new Date(before);
            await utimes(join(locks(folder), name, 'alive'), then, then).catch(() => undefined);
          }
        if (random.chance(0.05)) victims.pop()?.kill('SIGKILL');
      }
      await Promise.all(ended);
      expect(last?.exitCode).toBe(0);
      const given = all.flatMap(({ said }) => said.filter((line) => /^\d/.test(line)).map((line) => line.split(' ')));
      const numbers = given.map(([number]) => Number(number));
      expect(new Set(numbers).size).toBe(numbers.length);
      const fences = given.map(([, fence]) => Number(fence));
      expect(new Set(fences).size).toBe(fences.length);
      const byNumber = given.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, fence]) => Number(fence));
      expect(byNumber).toEqual(fences.toSorted((a, b) => a - b));
    },
  );
});
