import { copyFile, readdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { StatusOutput } from '../../src/schemas/types.ts';
import { backupPlan, makeRaw, workspace, writeAt, type Workspace } from './workspace.ts';
import { randomBytes } from '../support/random.ts';

const MiB = 1024 * 1024;

const status = async (work: Workspace): Promise<{ exitCode: number; output: StatusOutput }> => {
  const { exitCode, stdout } = await work.call(['status', '--json']);
  return { exitCode: exitCode ?? -1, output: JSON.parse(stdout) as StatusOutput };
};

test(
  'what keeps retention from removing anything for ever is a warning, a notice, and in status',
  { timeout: 300_000 },
  async () => {
    await using work = await workspace();
    await makeRaw(work.path('a.raw'), 4 * MiB, [[0, MiB]]);
    await work.write('plan.yaml', backupPlan(['a.raw'], 'retention: { last: 1 }\n'));
    expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
    const folder = work.path('repository', 'pgtest1', 'disk-0');
    const first = (await readdir(folder)).find((name) => name.endsWith('.qcow2')) ?? '';
    // Somebody has made an overlay there, of a name of their own.
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', first, `${folder}/look.qcow2`]);
    await copyFile(work.path('a.raw'), work.path('kept.raw'));
    await writeAt(work.path('a.raw'), [2 * MiB, randomBytes(MiB)]);

    const stuck = await work.run('plan.yaml');
    expect(stuck.finished.exit_code).toBe(3);
    const dry = await work.call(['prune', '--keep-last', '1', '--dry-run']);
    expect(dry.stdout.replace(/\s+/g, ' ')).toContain('look.qcow2 is built on it and belongs to no restore point');
    expect(dry.stdout).toContain('2 of 2 restore points stay, 0 go; nothing is freed');
    const told = await status(work);
    expect(told.exitCode).toBe(1);
    expect(told.output.stuck_prunes).toMatchObject([
      { repository: 'primary', vm: 'pgtest1', points: 1, reason: expect.stringContaining('look.qcow2') },
    ]);
    expect((await work.call(['status'])).stdout.replace(/\s+/g, ' ')).toContain(
      'retention of pgtest1 in repository primary has been stuck since',
    );
    expect((await work.call(['notify', 'history'])).stdout).toContain('prune-trouble');

    await rm(`${folder}/look.qcow2`);
    expect((await work.call(['prune', '--keep-last', '1', '--yes'])).exitCode).toBe(0);
    const after = await status(work);
    expect(after.exitCode).toBe(0);
    expect(after.output).not.toHaveProperty('stuck_prunes');
  },
);
