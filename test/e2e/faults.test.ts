import { execa } from 'execa';
import { copyFile, readdir, rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { cancelledBy } from '../../src/engine/install-signals.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { loadRunner } from '../../src/plan/expand/load-runner.ts';
import type { RunFinishedEvent } from '../../src/schemas/types.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { leftovers } from './nothing-left.ts';
import {
  backupPlan,
  disksOf,
  makeRaw,
  program,
  restorePlan,
  sameBytes,
  sameContent,
  workspace,
  writeAt,
  type Workspace,
} from './workspace.ts';
import { withFault } from './with-fault.ts';
import { printedRandom, random, randomBytes } from '../support/random.ts';
import { all, rounds } from '../support/rounds.ts';
import { testProgram } from '../programs.ts';

const MiB = 1024 * 1024;
const killed = testProgram('e2e/killed-run-child');

type How = 'throw' | 'cancel';

/** One run in this process with one fault in one step, before or after its effect. */
async function runWithFault(
  work: Workspace,
  plan: string,
  uses: string,
  when: string,
  how: How,
): Promise<RunFinishedEvent> {
  const gently = new AbortController();
  let hit = false;
  const fault = async (signal: AbortSignal): Promise<void> => {
    if (hit) return;
    hit = true;
    if (how === 'throw') throw new SendenseError('tool.failed', `fault ${when} ${uses}`);
    gently.abort(cancelledBy('SIGTERM'));
    signal.throwIfAborted();
  };
  const steps = builtInSteps.map((step) => (step.uses === uses ? withFault(step, when, fault) : step));
  await using hub = await openHub({
    startFolder: work.folder,
    embeddedNode: startNode,
    steps: new Map(steps.map((step) => [step.uses, step])),
  });
  return await hub.run({
    file: work.path(plan),
    cancel: { gently: gently.signal, atOnce: new AbortController().signal },
  });
}

/** A run in a process of its own that kills itself with SIGKILL before or after a step's effect. */
async function killedAt(work: Workspace, plan: string, uses: string, when: string): Promise<void> {
  const result = await execa(process.execPath, [killed, work.path(plan), uses, when], {
    reject: false,
    timeout: 300_000,
  });
  expect(result.signal, result.stderr).toBe('SIGKILL');
}

async function runHere(work: Workspace, plan: string): Promise<RunFinishedEvent> {
  await using hub = await openHub({ startFolder: work.folder, embeddedNode: startNode });
  return await hub.run({ file: work.path(plan) });
}

async function changeSomething(work: Workspace, numbers = random('changes')): Promise<void> {
  await writeAt(work.path('a.raw'), [numbers.int(0, 4 * MiB) & ~511, randomBytes(1024)]);
  await writeAt(work.path('b.raw'), [numbers.int(0, 2 * MiB) & ~511, Buffer.alloc(70_000)]);
}

/** Those about files are for other plans: `restore-files.test.ts`; VMs: `restore-kvm-convert.test.ts`, `restore-kvm-start.test.ts`, `restore-vsphere-in-place.test.ts`. */
const usesOf = (kind: string): string[] =>
  loadRunner(kind).steps.flatMap((step) =>
    step.uses === undefined ||
    step.uses.startsWith('files.') ||
    ['restore.convert', 'restore.safeguard', 'restore.start'].includes(step.uses)
      ? []
      : [step.uses],
  );
/** What stands before a step has an effect is what stood after the one before; these have an effect that the others do not lead up to. */
const special = ['hub.preflight', 'node.transfer', 'backup.commit', 'restore.publish'];
const cases = (kind: string): [string, string][] =>
  usesOf(kind).flatMap((uses) => {
    const before: [string, string][] = all || special.includes(uses) ? [[uses, 'before']] : [];
    return [...before, [uses, 'after']];
  });

async function backedUp(): Promise<Workspace> {
  const work = await workspace();
  await makeRaw(work.path('a.raw'), 4.5 * MiB, [[0, 2 * MiB]]);
  await makeRaw(work.path('b.raw'), 3 * MiB, [[MiB, MiB]]);
  await work.write('plan.yaml', backupPlan(['a.raw', 'b.raw'], 'retention: { last: 50 }\n'));
  expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
  return work;
}

/** A run that is cancelled before a step has made as much as one that is cancelled after the step before. */
const cancels = (when: string): boolean => all || when === 'after';

let shared: { readonly work: Workspace; cases: number } | null = null;

async function endShared(): Promise<void> {
  await shared?.work[Symbol.asyncDispose]();
  shared = null;
}

/** The same for several cases, one after the other, each of which leaves it as it should be; the chain stays short. */
async function backedUpBefore(): Promise<Workspace> {
  if (shared && shared.cases >= 8) await endShared();
  shared ??= { work: await backedUp(), cases: 0 };
  shared.cases++;
  return shared.work;
}

/** Steps at and after the publish point cannot take the restore point back. */
const commits = (step: string, when: string): boolean =>
  ['ports.release', 'points.prune'].includes(step) || (step === 'backup.commit' && when === 'after');

describe('a backup that is hit by a fault leaves nothing behind, and the next run has the right content', () => {
  afterAll(endShared);
  test.for(cases('backup'))(
    '%s, %s its effect: failure, cancel and kill -9',
    { timeout: 300_000 },
    async ([step, when], { onTestFailed }) => {
      onTestFailed(endShared);
      const work = await backedUpBefore();
      const done = commits(step, when);

      await changeSomething(work);
      const failed = await runWithFault(work, 'plan.yaml', step, when, 'throw');
      // A commit that fails after it is durable is tried once more, and finds that all is done.
      expect(failed.exit_code).toBe(step === 'backup.commit' && done ? 0 : done ? 3 : 1);
      expect(failed.backup_id !== null).toBe(done);
      expect(leftovers(work.folder)).toEqual([]);

      if (cancels(when)) {
        const cancelled = await runWithFault(work, 'plan.yaml', step, when, 'cancel');
        expect(cancelled).toMatchObject({ status: 'cancelled', exit_code: 143 });
        expect(cancelled.backup_id !== null).toBe(done);
        expect(leftovers(work.folder)).toEqual([]);
      }

      await killedAt(work, 'plan.yaml', step, when);
      await changeSomething(work);
      const next = await runHere(work, 'plan.yaml');
      expect(next, JSON.stringify(next.error)).toMatchObject({ status: 'succeeded', exit_code: 0 });
      expect(leftovers(work.folder)).toEqual([]);
      expect(await sameContent(next.disks[0]?.path ?? '', work.path('a.raw'))).toBe(true);
      expect(await sameContent(next.disks[1]?.path ?? '', work.path('b.raw'))).toBe(true);
    },
  );
});

describe('a restore that is hit by a fault leaves nothing behind, and the next one is right', () => {
  afterAll(endShared);
  test.for(cases('restore'))(
    '%s, %s its effect: failure, cancel and kill -9',
    { timeout: 300_000 },
    async ([step, when], { onTestFailed }) => {
      onTestFailed(endShared);
      const work = await backedUpBefore();
      await work.write('restore.yaml', restorePlan('./made/out'));
      const published = step === 'restore.publish' && when === 'after';
      const nothingOrAll = async (): Promise<void> => {
        expect(leftovers(work.folder)).toEqual([]);
        const there = await readdir(work.path('made/out')).catch(() => []);
        expect(there).toEqual(published ? ['disk-0.raw', 'disk-1.raw'] : []);
        expect((await readdir(work.folder)).includes('made')).toBe(published);
        await rm(work.path('made'), { recursive: true, force: true });
      };
      await runWithFault(work, 'restore.yaml', step, when, 'throw');
      await nothingOrAll();
      if (cancels(when)) {
        await runWithFault(work, 'restore.yaml', step, when, 'cancel');
        await nothingOrAll();
      }
      await killedAt(work, 'restore.yaml', step, when);
      expect((await work.call(['recover'])).exitCode).toBe(0);
      await nothingOrAll();
      expect((await runHere(work, 'restore.yaml')).exit_code).toBe(0);
      expect(await sameBytes(work.path('made/out/disk-0.raw'), work.path('a.raw'))).toBe(true);
      expect(await sameBytes(work.path('made/out/disk-1.raw'), work.path('b.raw'))).toBe(true);
      await rm(work.path('made'), { recursive: true });
    },
  );
});

test(
  'kill -9 at random moments of full and incremental runs: never a wrong restore point',
  { timeout: 300_000 },
  async () => {
    const numbers = printedRandom('kill -9 of runs');
    await using work = await backedUp();
    for (let round = rounds(3, 20); round > 0; round--) {
      await changeSomething(work, numbers);
      const child = execa(
        process.execPath,
        [program, 'run', 'plan.yaml', '--mode', round % 2 === 0 ? 'auto' : 'full'],
        { cwd: work.folder, reject: false },
      );
      setTimeout(() => child.kill('SIGKILL'), numbers.int(300, 2100));
      await child;
      await changeSomething(work, numbers);
      const next = await work.run('plan.yaml');
      expect(next.finished, JSON.stringify(next.finished.error)).toMatchObject({ exit_code: 0 });
      expect(leftovers(work.folder)).toEqual([]);
      expect(await sameContent(disksOf(next)[0]?.path ?? '', work.path('a.raw'))).toBe(true);
    }
    const check = await work.call(['check', '--json']);
    expect((JSON.parse(check.stdout) as { ok: boolean; findings: object[] }).findings).toEqual([]);
  },
);

test('a second signal ends the run at once, and the next run cleans up', { timeout: 300_000 }, async () => {
  await using work = await backedUp();
  await makeRaw(work.path('a.raw'), 4.5 * MiB, [[0, 4 * MiB]]);
  await copyFile(work.path('a.raw'), work.path('kept.raw'));
  await work.write('slow.yaml', backupPlan(['a.raw', 'b.raw'], "before:\n  - run: [sleep, '30']\n"));
  const child = execa(process.execPath, [program, '--json', 'run', 'slow.yaml'], { cwd: work.folder, reject: false });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('before-1') && text.includes('step.started')) {
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGINT'), 20);
    }
  });
  const result = await child;
  expect(result.exitCode).toBe(130);
  const next = await work.run('plan.yaml');
  expect(next.finished.exit_code).toBe(0);
  expect(leftovers(work.folder)).toEqual([]);
});
