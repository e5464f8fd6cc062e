import { copyFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { leftovers } from './nothing-left.ts';
import {
  backupPlan,
  disksOf,
  makeRaw,
  restorePlan,
  sameBytes,
  workspace,
  writeAt,
  type Workspace,
} from './workspace.ts';
import { randomBytes } from '../support/random.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';

hurryKdf();

const MiB = 1024 * 1024;

const settings = (form: string): string => `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository, ${form} }
`;

const plans = {
  'digests.yaml': `version: 1
kind: verify
name: digests
repository: primary
level: digests
points: all
`,
  'deep.yaml': `version: 1
kind: verify
name: deep
repository: primary
level: deep
points: all
`,
  'prune.yaml': `version: 1
kind: prune
name: prune
repository: primary
vms: [pgtest1]
retention: { last: 2 }
`,
} as const;

async function succeeds(work: Workspace, plan: string): Promise<unknown> {
  const { finished, stderr } = await work.run(plan);
  expect(finished, JSON.stringify(finished.error) + stderr).toMatchObject({ status: 'succeeded', exit_code: 0 });
  return finished;
}

/** Text, so that it compresses. */
const text = (bytes: number): Buffer => Buffer.alloc(bytes, 'what a guest writes is mostly text, and compresses. ');

describe.each([
  ['encrypted', 'encryption: { key: { secret: { file: ./repo.key } } }'],
  ['compressed', 'compress: zstd'],
])('%s restore points', (name, form) => {
  test('are verified, pruned by merging them, and go on as a chain', { timeout: 300_000 }, async () => {
    await using work = await workspace({ settings: settings(form) });
    await work.call(['repo', 'new-key', 'repo.key']);
    await makeRaw(work.path('disk0.raw'), 6 * MiB, [[0, MiB]]);
    await work.write('nightly.yaml', backupPlan(['disk0.raw']));
    for (const [file, plan] of Object.entries(plans)) await work.write(file, plan);
    const ids: string[] = [];
    const night = async (number: number): Promise<void> => {
      await writeAt(
        work.path('disk0.raw'),
        [number * 400_000, randomBytes(70_000)],
        [2 * MiB + number * 200_000, text(150_000)],
        [5 * MiB, Buffer.alloc(100_000, number % 2)],
      );
      await copyFile(work.path('disk0.raw'), work.path(`kept-${number}.raw`));
      const outcome = await work.run('nightly.yaml');
      expect(outcome.finished, JSON.stringify(outcome.finished.error) + outcome.stderr).toMatchObject({
        status: 'succeeded',
        exit_code: 0,
      });
      expect(disksOf(outcome)[0]?.mode).toBe(number === 0 ? 'full' : 'incremental');
      ids.push(outcome.finished.backup_id ?? '');
    };
    for (const number of [0, 1, 2, 3]) await night(number);
    await succeeds(work, 'digests.yaml');
    await succeeds(work, 'deep.yaml');
    const calendar = await work.call(['prune', '--vm', 'pgtest1', '--dry-run', '--keep-last', '2']);
    expect(calendar.exitCode, calendar.stderr).toBe(0);
    await succeeds(work, 'prune.yaml');
    await night(4);

    const listed = JSON.parse((await work.call(['list', '--json'])).stdout) as { points: { backup_id: string }[] };
    expect(listed.points.map(({ backup_id: id }) => id)).toEqual(ids.slice(2));
    await succeeds(work, 'deep.yaml');
    for (const number of [2, 3, 4]) {
      await work.write('restore.yaml', restorePlan(`./${name}-${number}`, `point: ${ids[number]}\n`));
      await succeeds(work, 'restore.yaml');
      expect(await sameBytes(work.path(`${name}-${number}`, 'disk-0.raw'), work.path(`kept-${number}.raw`))).toBe(true);
    }
    expect(leftovers(work.folder).filter((found) => !found.startsWith('file .sendense/state-'))).toEqual([]);
    const checked = JSON.parse((await work.call(['check', '--json'])).stdout) as object;
    expect(checked).toMatchObject({ ok: true, findings: [] });
  });
});
