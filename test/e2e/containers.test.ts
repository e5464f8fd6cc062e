/** Containers that share a state database: a run of one is not cleaned up by another as long as it may go on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { removeTree } from '../../src/host/files/files.ts';
import { liveProcesses } from '../../src/host/programs/process-identity.ts';
import { runFolderOf } from '../../src/host/programs/run-folder.ts';
import type { RecoverOutput } from '../../src/schemas/types.ts';
import { until } from '../node/support.ts';
import { testProgram } from '../programs.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, makeRaw, workspace, type Workspace } from './workspace.ts';

const MiB = 1024 * 1024;
const apart = ['--pid', '--fork', '--kill-child', '--mount-proc'];

/** A run in a pid namespace of its own, stopped once it has made its files. */
async function stoppedElsewhere(work: Workspace): Promise<AsyncDisposable> {
  const program = testProgram('e2e/killed-run-child');
  const line = [process.execPath, program, work.path('plan.yaml'), 'qcow2.create', 'after', 'SIGSTOP'];
  // The first process of a namespace cannot be stopped from within.
  const child = spawn('unshare', [...apart, 'sh', '-c', '"$@"; :', 'sh', ...line], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  let namespace = '';
  const own = {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      // Nobody can look for its process, so the folder of its node would stay for a minute.
      const parent = dirname(runFolderOf('any'));
      for (const name of readdirSync(parent)) if (name.includes(`.${namespace}-`)) await removeTree(join(parent, name));
    },
  };
  const isStopped = (): boolean =>
    [...liveProcesses()].some(({ identity: { pid }, argv }) => {
      if (argv[1] !== program || !argv.includes(work.path('plan.yaml'))) return false;
      namespace = /[0-9]+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0] ?? '';
      return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    });
  await until(isStopped, 'the run is stopped', 200_000).catch(async (error: unknown) => {
    await own[Symbol.asyncDispose]();
    throw error;
  });
  return own;
}

async function ready(): Promise<Workspace> {
  const work = await workspace({ ownProcess: true });
  await makeRaw(work.path('disk0.raw'), 8 * MiB, [[0, MiB]]);
  await work.write('plan.yaml', backupPlan(['disk0.raw']));
  return work;
}

const recover = async (work: Workspace, ...more: string[]): Promise<RecoverOutput> => {
  const { stdout } = await work.call(['recover', '--json', ...more]);
  return JSON.parse(stdout) as RecoverOutput;
};

/** The lock of the VM in the repository is taken over once its owner has been silent for long enough. */
const leftIn = (work: Workspace): string[] =>
  leftovers(work.folder).filter((what) => !what.startsWith('file .sendense/locks/'));

const imagesOf = (work: Workspace): string[] =>
  readdirSync(work.path('repository'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.qcow2'));

test('recover leaves it alone while it lives, and cleans up when it has ended', { timeout: 300_000 }, async () => {
  await using work = await ready();
  {
    await using _stopped = await stoppedElsewhere(work);
    expect(await recover(work)).toMatchObject({ runs: [], unseen: [] });
    expect(imagesOf(work)).toHaveLength(1);
    const [id = ''] = /\d{8}T\d{6}Z-[0-9a-f]{6}/.exec((await work.call(['status', '--json'])).stdout) ?? [];
    const named = await work.call(['recover', '--ended', id]);
    expect(named).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('its process shows that it lives') });
    expect(imagesOf(work)).toHaveLength(1);
    expect(await work.run('plan.yaml')).toMatchObject({
      exitCode: 11,
      finished: { error: { code: 'run.locked', message: expect.stringContaining('another container') as string } },
    });
  }
  const { runs } = await recover(work);
  expect(runs).toMatchObject([{ errors: [] }]);
  expect(imagesOf(work)).toEqual([]);
  expect(leftIn(work)).toEqual([]);
  expect(existsSync(work.path('state/sendense.db.alive'))).toBe(false);
});

test(
  'where nobody can tell, recover says so, and cleans up once somebody has looked',
  { timeout: 300_000 },
  async () => {
    await using work = await ready();
    const stopped = await stoppedElsewhere(work);
    await stopped[Symbol.asyncDispose]();
    await rm(work.path('state/sendense.db.alive'), { recursive: true });
    const { runs, unseen = [] } = await recover(work);
    expect([runs, unseen.length]).toEqual([[], 1]);
    expect(imagesOf(work)).toHaveLength(1);
    const { stdout } = await work.call(['recover']);
    const [id = ''] = unseen.map((run) => run.run_id);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`sendense-run recover --ended ${id}`);
    expect(await work.call(['recover', '--ended', 'another'])).toMatchObject({ exitCode: 1 });
    expect(await recover(work, '--ended', id)).toMatchObject({ runs: [{ run_id: id, errors: [] }], unseen: [] });
    expect(leftIn(work)).toEqual([]);
  },
);
