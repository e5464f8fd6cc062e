import { readdir, rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { StatusOutput } from '../../src/schemas/types.ts';
import { backupPlan, makeRaw, workspace, type Workspace } from '../e2e/workspace.ts';

const settings = (names: readonly string[]): string =>
  `version: 1\nstate: ./state/sendense.db\nrepositories:\n${names.map((name) => `  ${name}: { path: ./${name} }\n`).join('')}`;

let made: Workspace | undefined;

afterAll(async () => made?.[Symbol.asyncDispose]());

/** VM `a` is in repository one, VM `b` in repository two, which is retired: the settings do not name it any more. */
async function retired(): Promise<Workspace> {
  if (made) return made;
  const work = await workspace({ settings: settings(['one', 'two']) });
  made = work;
  for (const [vm, repository] of [
    ['a', 'one'],
    ['b', 'two'],
  ] as const) {
    await makeRaw(work.path(`${vm}.raw`), 1024 * 1024, [[0, 65_536]]);
    const plan = backupPlan([`${vm}.raw`])
      .replaceAll('pgtest1', vm)
      .replace('repository: primary', `repository: ${repository}`);
    await work.write(`${vm}.yaml`, plan);
    expect((await work.run(`${vm}.yaml`)).finished.exit_code).toBe(0);
  }
  await work.write('sendense.yaml', settings(['one']));
  await rm(work.path('b.yaml'));
  return work;
}

describe('a repository that was taken out of the settings', () => {
  test('stops no command that reads the others; a warning names it and the way out', { timeout: 300_000 }, async () => {
    const work = await retired();
    for (const args of [
      ['list'],
      ['list', '--json'],
      ['show', 'a'],
      ['restore', 'a', '--to', 'out-1'],
      ['restore', 'a', '-r', 'one', '--to', 'out-2'],
      ['protect', 'a', '--point', 'latest'],
      ['unprotect', 'a', '--point', 'latest'],
      ['check'],
      ['check', 'a'],
    ]) {
      const { exitCode, stdout, stderr } = await work.call(args);
      expect({ args, exitCode }).toEqual({ args, exitCode: 0 });
      expect(stderr.replace(/\s+/g, ' '), args.join(' ')).toContain(
        'sendense.yaml has no repository two: 1 restore point in it (of b)',
      );
      expect(stderr.replace(/\s+/g, ' ')).toContain('`sendense-run repo import two --forget-missing`');
      if (args.includes('--json')) expect(JSON.parse(stdout)).toMatchObject({ points: [{ vm: 'a' }] });
    }
    for (const args of [
      ['verify'],
      ['prune', '--keep-last', '1', '--yes'],
      ['recover'],
      ['upkeep'],
      ['metrics'],
      ['history'],
      ['repo', 'list'],
      ['repo', 'usage'],
      ['repo', 'gc', '--yes'],
      ['credentials', 'list'],
      ['node', 'list'],
      ['completion', 'vms'],
      ['notify', 'history'],
    ])
      expect({ args, exitCode: (await work.call(args)).exitCode }).toEqual({ args, exitCode: 0 });
    expect((await work.run('a.yaml')).finished.exit_code).toBe(0);
  });

  test('is in `status`, and what asks for it says the way out', { timeout: 300_000 }, async () => {
    const work = await retired();
    const status = JSON.parse((await work.call(['status', '--json'])).stdout) as StatusOutput;
    expect(status.unlisted).toEqual([{ repository: 'two', points: 1, vms: ['b'] }]);
    expect((await work.call(['status'])).stdout.replace(/\s+/g, ' ')).toContain('sendense.yaml has no repository two');
    const refused = await work.call(['repo', 'import', 'two']);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr.replace(/\s+/g, ' ')).toContain('`sendense-run repo import two --forget-missing`');
    expect((await work.call(['restore', 'b', '--to', 'out-3'])).stderr).toContain('point.unknown');
    // A name that nothing is known of is a slip.
    const slip = await work.call(['repo', 'import', 'too', '--forget-missing']);
    expect(slip.exitCode).not.toBe(0);
    expect(slip.stderr).not.toContain('--forget-missing');
  });

  test('is forgotten by `repo import --forget-missing`, which touches no file', { timeout: 300_000 }, async () => {
    const work = await retired();
    const before = await readdir(work.path('two'), { recursive: true });
    const { exitCode, stdout } = await work.call(['repo', 'import', 'two', '--forget-missing', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ repository: 'two', forgotten: [expect.any(String)] });
    expect(await readdir(work.path('two'), { recursive: true })).toEqual(before);
    expect((await work.call(['list'])).stderr).toBe('');
    expect(JSON.parse((await work.call(['status', '--json'])).stdout)).not.toHaveProperty('unlisted');
    // Named again, it is as it was.
    await work.write('sendense.yaml', settings(['one', 'two']));
    expect((await work.call(['repo', 'import', 'two'])).exitCode).toBe(0);
    expect((await work.call(['show', 'b'])).exitCode).toBe(0);
  });
});
