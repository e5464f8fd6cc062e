import { chmod, copyFile, readdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { guestBlocksOf } from '../../src/repository/envelope.ts';
import type { ListOutput, PointsVerifyOutput, RunEvent } from '../../src/schemas/types.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { processesNaming } from '../support/processes.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, disksOf, makeRaw, program, restorePlan, workspace, writeAt, type Workspace } from './workspace.ts';
import { randomBytes } from '../support/random.ts';

const mib = 1024 * 1024;

/** A VM that says `login:` when it boots, and two restore points of it. */
async function twoNights(bench: Workspace): Promise<{ ids: string[]; images: string[] }> {
  await makeRaw(bench.path('a.raw'), 4 * mib, [[mib, mib]]);
  await writeAt(bench.path('a.raw'), [0, bootSector('login: ')]);
  await bench.write('plan.yaml', backupPlan(['a.raw']));
  const first = await bench.run('plan.yaml');
  await writeAt(bench.path('a.raw'), [2 * mib, randomBytes(100_000)]);
  const second = await bench.run('plan.yaml');
  const runs = [first, second];
  return {
    ids: runs.map(({ finished }) => finished.backup_id ?? ''),
    images: runs.map((run) => disksOf(run)[0]?.path ?? ''),
  };
}

async function verifyJson(
  bench: Workspace,
  ...args: string[]
): Promise<{ exitCode: number; output: PointsVerifyOutput }> {
  const { exitCode, stdout } = await bench.call(['verify', '--json', ...args]);
  const events = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RunEvent);
  const succeeded = events.find((event) => event.type === 'step.succeeded' && event.step === 'verify');
  if (succeeded?.type !== 'step.succeeded') throw new Error(stdout);
  return { exitCode, output: succeeded.output as unknown as PointsVerifyOutput };
}

async function rot(image: string): Promise<void> {
  await chmod(image, 0o644);
  await writeAt(image, [(await guestBlocksOf(image)).extents[0]?.host ?? 0, randomBytes(16)]);
  await chmod(image, 0o444);
}

const list = async (bench: Workspace): Promise<ListOutput['points']> =>
  (JSON.parse((await bench.call(['list', '--json'])).stdout) as ListOutput).points;

describe('sendense-run verify', () => {
  test(
    'finds a broken point, which nothing is built on or restored from until it is sound again',
    { timeout: 300_000 },
    async () => {
      await using bench = await workspace();
      const { ids, images } = await twoNights(bench);
      expect(await verifyJson(bench, '--points', 'all')).toMatchObject({
        exitCode: 0,
        output: { verified: 2, problems: [] },
      });
      const copy = bench.path('copy.qcow2');
      await execa('cp', ['-p', images[0] ?? '', copy]);
      await rot(images[0] ?? '');

      const found = await verifyJson(bench, '--points', 'all');
      expect(found).toMatchObject({ exitCode: 1, output: { broken: [ids[0]] } });
      expect(found.output.results.find(({ broken }) => broken)?.dependents).toEqual([ids[1]]);
      expect((await list(bench)).map(({ backup_id: id, broken }) => [id, broken !== null])).toEqual([
        [ids[0], true],
        [ids[1], false],
      ]);
      const shown = await bench.call(['verify', '--points', 'all']);
      expect(shown.stdout + shown.stderr).toContain(`built on it: ${ids[1]}`);

      await bench.write('restore.yaml', restorePlan('./out'));
      expect((await bench.run('restore.yaml')).finished.error).toMatchObject({ code: 'chain.damaged' });
      const third = await bench.run('plan.yaml');
      expect(third.finished.status).toBe('succeeded');
      expect(disksOf(third)[0]?.mode).toBe('full');
      expect(disksOf(third)[0]?.reason).toContain(`restore point ${ids[0]} is broken`);
      expect((await bench.run('restore.yaml')).exitCode).toBe(0);

      // The database is lost: the marks in the repository are the truth.
      await rm(bench.path('state'), { recursive: true });
      await bench.call(['repo', 'import', 'primary']);
      expect((await list(bench)).filter(({ broken }) => broken).map(({ backup_id: id }) => id)).toEqual([ids[0]]);

      await rm(images[0] ?? '', { force: true });
      await copyFile(copy, images[0] ?? '');
      expect(await verifyJson(bench, '--points', 'all')).toMatchObject({
        exitCode: 0,
        output: { broken: [], problems: [] },
      });
      expect((await list(bench)).every(({ broken }) => broken === null)).toBe(true);
      expect((await bench.call(['check'])).exitCode).toBe(0);
    },
  );

  test('--boot starts it, and it ends with the run that is killed', { timeout: 300_000 }, async () => {
    await using bench = await workspace();
    await twoNights(bench);
    const booted = await bench.call(['verify', '--boot', '--serial', 'login:']);
    expect(booted.exitCode, booted.stderr).toBe(0);
    expect(booted.stdout).toMatch(/booted in [0-9]+ s \(serial\)/);
    const logs = await readdir(bench.path('state/logs'), { recursive: true });
    expect(logs.filter((name) => name.endsWith('.png'))).toHaveLength(1);

    const killed = execa(process.execPath, [program, 'verify', '--boot', '--serial', 'never'], {
      cwd: bench.folder,
      reject: false,
      env: { NO_COLOR: '1' },
    });
    const guests = (): string[] =>
      processesNaming('qemu-system-x86_64').filter(
        (argv) => argv.includes('-boot/guest.pid') && argv.includes(bench.folder),
      );
    await vi.waitFor(() => expect(guests().length).toBeGreaterThan(0), { timeout: 200_000, interval: 100 });
    killed.kill('SIGKILL');
    await killed;
    // It ends with the run, before anybody cleans up.
    await expect.poll(guests).toEqual([]);
    const recovered = await bench.call(['recover']);
    expect(recovered.exitCode, recovered.stderr).toBe(0);
    expect(leftovers(bench.folder)).toEqual([]);
  });

  test('SIGTERM ends it and its virtual machine', { timeout: 300_000 }, async () => {
    await using bench = await workspace();
    await twoNights(bench);
    const run = execa(process.execPath, [program, 'verify', '--boot', '--serial', 'never'], {
      cwd: bench.folder,
      reject: false,
      env: { NO_COLOR: '1' },
      all: true,
    });
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    run.all?.on('data', (data) => /is booted/.test(String(data)) && resolve());
    await begun;
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(143);
    expect(leftovers(bench.folder)).toEqual([]);
  });
});
