import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { recoverRuns } from '../../src/engine/recover-runs.ts';
import { isRunning, thisProcess } from '../../src/host/programs/process-identity.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { listLocks } from '../../src/state/runs/locks.ts';
import { findRun, listRuns } from '../../src/state/runs/runs.ts';
import { bench, fakeStep, publishStep, type Bench } from './fake-run.ts';
import { testProgram } from '../programs.ts';

const ids = ['a', 'b', 'publish', 'c'];
const soundSteps = () =>
  ids.map((id) => (id === 'publish' ? publishStep(id) : fakeStep(id, id === 'b' ? { leaves: 'result' } : {})));

interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  line(): Promise<string>;
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts the child and waits until it is at the place. */
async function childAt(folder: string, step: string, place: string): Promise<Child> {
  const child = spawn(process.execPath, [testProgram('engine/crash-child'), folder, step, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const own: Child = {
    process: child,
    line: async () => String((await lines.next()).value),
    exited: async () => {
      const [code, signal] = await exit;
      return { code, signal };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
  expect(await own.line()).toBe('here');
  return own;
}

const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'sendense-crash-'));
const recover = (own: Bench) => recoverRuns({ ...own.options(soundSteps()), recoverer: thisProcess() });

describe.concurrent('a run that is killed', () => {
  const places = ids.flatMap((id) => ['claim', 'before', 'after'].map((place) => [id, place] as const));
  for (const [id, place] of [...places, ['publish', 'end'], ['a', 'undo'], ['b', 'undo'], ['b', 'close']] as const) {
    test(
      `at ${place} of ${id}: the next run recovers it, takes its lock and succeeds`,
      { timeout: 300_000 },
      async () => {
        const folder = temporaryFolder();
        using own = bench(folder);
        await using child = await childAt(folder, id, place);
        const [run] = listRuns(own.state);
        expect(run).toMatchObject({ status: place === 'undo' || place === 'close' ? 'unwinding' : 'running' });

        // While it lives it is not touched, and its lock is not taken.
        expect(await recover(own)).toEqual([]);
        expect(await own.run(soundSteps())).toMatchObject({
          exitCode: 11,
          error: { code: 'run.locked', message: expect.stringContaining(`pid ${child.process.pid}`) },
        });

        child.process.kill('SIGKILL');
        await child.exited();
        const published = (id === 'publish' && place !== 'claim' && place !== 'before') || id === 'c';
        const outcome = await own.run(soundSteps());
        expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 0 });
        expect(findRun(own.state, run?.id ?? '')).toMatchObject({
          status: 'crashed',
          unclean: false,
          published,
          error: { code: 'run.crashed' },
        });
        expect(own.left()).toEqual(['a', 'b', 'c', 'publish']);
        expect(listLocks(own.state, isRunning)).toEqual([]);
        expect(await recover(own)).toEqual([]);
      },
    );
  }

  test('leaves nothing after a recovery, or just its result if it had published', { timeout: 300_000 }, async () => {
    for (const [place, left] of [
      ['before', []],
      ['after', ['b', 'publish']],
    ] as const) {
      const folder = temporaryFolder();
      using own = bench(folder);
      await using child = await childAt(folder, 'publish', place);
      child.process.kill('SIGKILL');
      await child.exited();
      const [recovered] = await recover(own);
      expect(recovered).toMatchObject({
        published: place === 'after',
        errors: [],
        undone: place === 'after' ? ['a'] : ['publish', 'b', 'a'],
      });
      expect(own.left()).toEqual(left);
    }
  });

  test(
    'keeps its result where nobody can tell whether it had published, until somebody can',
    { timeout: 300_000 },
    async () => {
      const folder = temporaryFolder();
      using own = bench(folder);
      await using child = await childAt(folder, 'publish', 'before');
      child.process.kill('SIGKILL');
      await child.exited();
      const doubtful = [
        ...soundSteps().filter(({ uses }) => uses !== 'fake.publish'),
        publishStep('publish', { published: () => Promise.reject(new Error('I/O error')) }),
      ];
      const [recovered] = await recoverRuns({ ...own.options(doubtful), recoverer: thisProcess() });
      expect(recovered).toMatchObject({ published: false, undone: ['a'], errors: [{ message: 'I/O error' }] });
      expect(own.left()).toEqual(['b']);
      expect(await recover(own)).toMatchObject([{ published: false, undone: ['publish', 'b'], errors: [] }]);
      expect(own.left()).toEqual([]);
    },
  );

  test('of a newer program is left to that, saying which step is unknown', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    using own = bench(folder);
    await using child = await childAt(folder, 'b', 'after');
    child.process.kill('SIGKILL');
    await child.exited();
    const old = soundSteps().filter(({ uses }) => uses !== 'fake.b');
    const [recovered] = await recoverRuns({ ...own.options(old), recoverer: thisProcess() });
    expect(recovered).toMatchObject({
      undone: ['a'],
      errors: [{ message: expect.stringContaining('does not know the step fake.b') }],
    });
    expect(await recover(own)).toMatchObject([{ undone: ['b'], errors: [] }]);
  });

  test('is recovered by one of several recoverers', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    using own = bench(folder);
    await using child = await childAt(folder, 'c', 'after');
    child.process.kill('SIGKILL');
    await child.exited();
    const all = await Promise.all([recover(own), recover(own), recover(own)]);
    expect(all.flat()).toHaveLength(1);
  });
});

describe.concurrent('signals', () => {
  test('the first one stops the run and cleans up, exit code 143', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    using own = bench(folder);
    await using child = await childAt(folder, 'b', 'wait');
    child.process.kill('SIGTERM');
    expect(await child.line()).toBe('cancelled');
    expect(await child.exited()).toEqual({ code: 143, signal: null });
    expect(own.left()).toEqual([]);
    expect(listRuns(own.state)).toMatchObject([{ status: 'cancelled', exitCode: 143, unclean: false }]);
  });

  test('the second one returns at once, and the next run cleans up', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    using own = bench(folder);
    await using child = await childAt(folder, 'b', 'deaf');
    child.process.kill('SIGINT');
    expect(await child.line()).toBe('told');
    child.process.kill('SIGINT');
    expect(await child.line()).toBe('cancelled');
    expect(await child.exited()).toEqual({ code: 130, signal: null });
    expect(own.left()).toEqual(['a']);
    expect(await own.run(soundSteps())).toMatchObject({ exitCode: 0 });
    expect(listRuns(own.state)).toMatchObject([{ status: 'succeeded' }, { status: 'crashed', unclean: false }]);
  });
});

describe('the lock', () => {
  test('of another VM is no obstacle', async () => {
    using own = bench();
    const inner = fakeStep('b', {
      at: async (place) => {
        if (place !== 'before') return;
        expect(await own.run([fakeStep('x')], { lock: 'primary/pgtest1' })).toMatchObject({ exitCode: 11 });
        expect(await own.run([fakeStep('x')], { lock: 'primary/other' })).toMatchObject({ exitCode: 0 });
      },
    });
    expect(await own.run([inner])).toMatchObject({ exitCode: 0 });
  });

  test('of a run that another process recovers just now is not taken', async () => {
    using own = bench();
    const dead = { ...thisProcess(), start_time: '1' };
    const { journal, pipeline } = own.options([]);
    journal.startRun({
      id: 'old',
      plan: pipeline.name,
      kind: 'backup',
      vm: 'pgtest1',
      planFile: '',
      planFolder: '',
      owner: dead,
      started: 1,
      lock: 'primary/pgtest1',
    });
    expect(createJournal(own.state, isRunning).claimRecovery('old', thisProcess())).toBe(true);
    expect(await own.run([fakeStep('a')])).toMatchObject({
      exitCode: 11,
      error: { message: expect.stringContaining('another process is cleaning up') },
    });
  });

  test('is taken over although not all of the dead run could be cleaned up, which is a warning', async () => {
    using own = bench();
    const dead = { ...thisProcess(), start_time: '1' };
    const { journal } = own.options([]);
    journal.startRun({
      id: 'old',
      plan: 'p',
      kind: 'backup',
      vm: 'pgtest1',
      planFile: '',
      planFolder: '',
      owner: dead,
      started: 1,
      lock: 'primary/pgtest1',
    });
    journal.record('old', 'x', { event: 'started', uses: 'gone.step', number: 0, attempt: 1, claim: null });
    const outcome = await own.run([fakeStep('a')]);
    expect(outcome).toMatchObject({
      status: 'succeeded',
      exitCode: 3,
      warnings: [expect.stringContaining('run old before: step x')],
    });
    expect(findRun(own.state, 'old')).toMatchObject({ status: 'crashed', unclean: true, exitCode: 16 });
  });
});
