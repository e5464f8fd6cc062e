/** A repository that was rescued: read-only, beside other files, with a database that knows nothing of it, to a disk that is too small. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { execa } from 'execa';
import { backupPlan, makeRaw, program, sameBytes, workspace, type Workspace } from './workspace.ts';

const KiB = 1024;
let work: Workspace;
let backupId = '';

beforeAll(async () => {
  work = await workspace();
  await makeRaw(work.path('disk0.raw'), 4096 * KiB, [[0, 2048 * KiB]]);
  await work.write('plan.yaml', backupPlan(['./disk0.raw'], 'retention: { last: 1 }\n'));
  await work.run('plan.yaml');
  backupId = (await work.run('plan.yaml')).finished.backup_id ?? '';
});

afterAll(() => work[Symbol.asyncDispose]());

/** In a mount namespace of its own, after `mounts`. */
const mounted = async (mounts: string, ...args: string[]): Promise<{ exitCode: number; said: string }> => {
  const shell = ['-m', 'sh', '-c', `${mounts}; exec "$@"`, 'sh', process.execPath, program, ...args];
  const ran = await execa('unshare', shell, {
    cwd: work.folder,
    reject: false,
    timeout: 300_000,
    env: { NO_COLOR: '1' },
  });
  return { exitCode: ran.exitCode ?? -1, said: `${ran.stdout}\n${ran.stderr}` };
};

const readOnly = (path: string): string =>
  `set -e; mount --bind '${path}' '${path}'; mount -o remount,bind,ro '${path}'`;

test(
  'list, show, check, verify and restore read a repository that is mounted read-only',
  { timeout: 300_000 },
  async () => {
    const mounts = readOnly(work.path('repository'));
    for (const args of [
      ['list'],
      ['show', 'pgtest1'],
      ['check'],
      ['verify', '--level', 'deep'],
      ['restore', 'pgtest1', '--to', './from-ro'],
    ])
      expect(await mounted(mounts, ...args), args.join(' ')).toMatchObject({ exitCode: 0 });
    expect(await sameBytes(work.path('disk0.raw'), work.path('from-ro', 'disk-0.raw'))).toBe(true);
    expect(await mounted(mounts, 'run', 'plan.yaml')).toMatchObject({
      exitCode: expect.not.stringMatching(/^0$/) as number,
      said: expect.stringContaining('is not writable') as string,
    });
  },
);

test('a verification that finds damage there says that the mark cannot be written', { timeout: 300_000 }, async () => {
  const index = work.path('repository', 'pgtest1', 'disk-0', `${backupId}.index`);
  await execa('mv', [index, `${index}.away`]);
  try {
    const { exitCode, said } = await mounted(readOnly(work.path('repository')), 'verify');
    expect(exitCode).toBe(1);
    expect(said).toMatch(/this hub cannot write the mark to the repository \(EROFS\)|is broken/);
  } finally {
    await execa('mv', [`${index}.away`, index]);
    expect((await work.call(['verify'])).exitCode).toBe(0);
  }
});

test(
  "other files of the name *.json do not stop a VM's backups, retention and import",
  { timeout: 300_000 },
  async () => {
    const foreign = work.path('repository', 'pgtest1', 'notes.json');
    await writeFile(foreign, '{"kept": "by somebody else"}');
    await writeFile(work.path('repository', 'pgtest1', 'half.json'), '{');
    for (let round = 0; round < 2; round++) expect((await work.run('plan.yaml')).exitCode).toBe(0);
    const manifests = (await readdir(work.path('repository', 'pgtest1'))).filter((name) => name.endsWith('.json'));
    expect(manifests).toHaveLength(3);
    expect((await work.call(['repo', 'import', 'primary'])).exitCode).toBe(0);
    await rm(foreign);
    await rm(work.path('repository', 'pgtest1', 'half.json'));
  },
);

test(
  'with a database that knows nothing of it, list, show and restore name repo import',
  { timeout: 300_000 },
  async () => {
    await execa('mv', [work.path('state'), work.path('state-away')]);
    try {
      const listed = await work.call(['list']);
      expect(listed.stderr).toContain('restore points of pgtest1 that this hub does not know');
      for (const args of [
        ['list', 'pgtest1'],
        ['show', 'pgtest1'],
        ['restore', 'pgtest1', '--to', './none'],
      ])
        expect((await work.call(args)).stderr.replaceAll(/\s+/g, ' '), args.join(' ')).toContain('repo import');
    } finally {
      await rm(work.path('state'), { recursive: true, force: true });
      await execa('mv', [work.path('state-away'), work.path('state')]);
    }
  },
);

test(
  'a restore to a disk that is too small fails before it writes, and one that fits by its holes does not',
  { timeout: 300_000 },
  async () => {
    await mkdir(work.path('small'));
    const tmpfs = (size: string): string => `set -e; mount -t tmpfs -o size=${size} none '${work.path('small')}'`;
    const refused = await mounted(tmpfs('1m'), 'restore', 'pgtest1', '--to', './small/out');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.said.replaceAll(/\s+/g, ' ')).toMatch(/the disks need .* are free; nothing was written/);
    expect(await mounted(tmpfs('3m'), 'restore', 'pgtest1', '--to', './small/out')).toMatchObject({ exitCode: 0 });
  },
);
