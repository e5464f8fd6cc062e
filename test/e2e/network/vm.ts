import { expect } from 'vitest';
import type { RunEvent } from '../../../src/schemas/types.ts';
import { backupPlan, disksOf, makeRaw, restorePlan, sameBytes, writeAt, type RunOutcome } from '../workspace.ts';
import type { Site } from './site.ts';
import { watchRun } from './watch-run.ts';
import { random, randomBytes } from '../../support/random.ts';

const MiB = 1024 * 1024;

/** The VM of a test, of two disks. The plan says nothing of how the node is reached. */
export interface TestVm {
  /** Other content here and there, `mib` in all. */
  change(mib: number): Promise<void>;
  /** A run of its plan, to the end. */
  back(): Promise<RunOutcome>;
  /** A run that is told of as it goes. */
  watch(onEvent: (event: RunEvent) => void): Promise<RunOutcome>;
  /** That the last restore point is restored to what the disks hold now. */
  expectRestored(): Promise<void>;
}

/** @param mib how much data the first disk holds; `more`: lines of the plan */
export async function makeVm(site: Site, { mib = 8, node = 'site-1', more = '' } = {}): Promise<TestVm> {
  const { work } = site;
  const disks = ['a', 'b'].map((name) => work.path(`${node}-${name}.raw`));
  const [first = '', second = ''] = disks;
  await makeRaw(first, (mib + 8) * MiB, [[MiB, mib * MiB]]);
  await makeRaw(second, 8 * MiB, [[3 * MiB, MiB + 512]]);
  const plan = `${node}.yaml`;
  const named = (text: string): string => text.replaceAll('pgtest1', `pgtest1-${node}`);
  await work.write(plan, named(backupPlan(disks, `node: ${node}\n${more}`)));
  const numbers = random(`changes of ${node}`);
  let restores = 0;
  return {
    async change(changed) {
      for (let done = 0; done < changed; done++)
        await writeAt(first, [numbers.int(0, mib + 7) * MiB, randomBytes(MiB)]);
      await writeAt(second, [MiB, randomBytes(4096)]);
    },
    back: () => work.run(plan),
    watch: (onEvent) => watchRun({ prefix: site.net.hub.prefix, folder: work.folder, plan }, onEvent),
    async expectRestored() {
      const folder = `restored-${node}-${++restores}`;
      await work.write('restore.yaml', named(restorePlan(`./${folder}`)));
      const { finished, stderr } = await work.run('restore.yaml');
      expect(finished, JSON.stringify(finished.error) + stderr).toMatchObject({ exit_code: 0 });
      for (const [index, disk] of disks.entries())
        expect(await sameBytes(work.path(folder, `disk-${index}.raw`), disk)).toBe(true);
    },
  };
}

/** That the run ended well, in these modes of its disks; warnings are allowed where something was broken. */
export function expectSuccess(outcome: RunOutcome, mode: 'full' | 'incremental', exitCodes = [0]): void {
  const said = JSON.stringify(outcome.finished) + outcome.stderr;
  expect(exitCodes, said).toContain(outcome.exitCode);
  expect(
    disksOf(outcome).map((disk) => disk.mode),
    said,
  ).toEqual([mode, mode]);
}
