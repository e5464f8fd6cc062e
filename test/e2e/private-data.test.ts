import { execa } from 'execa';
import { chmod, mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { programs } from '../programs.ts';
import { argvOf, processesWith, tcpListenersOf } from '../support/listeners.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, makeRaw, sameContent, workspace, type Workspace } from './workspace.ts';

const MiB = 1024 * 1024;
const isRoot = process.getuid?.() === 0;
/** What somebody else of this machine starts. */
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'TMPDIR=/tmp'];

const startRun = (work: Workspace, tmp: string) =>
  execa(process.execPath, [programs.run, '--json', 'run', 'plan.yaml'], {
    cwd: work.folder,
    env: { TMPDIR: tmp, NO_COLOR: '1' },
    reject: false,
    timeout: 300_000,
  });

interface Copying {
  readonly running: ReturnType<typeof startRun>;
  /** Of the server that the backup is written to. */
  readonly argv: readonly string[];
  readonly uri: string;
  /** Every process of the run. */
  pids(): number[];
}

/** A run that copies for seconds yet. Its temporary folder is open to everybody. */
async function startSlowly(work: Workspace): Promise<Copying> {
  const tmp = work.path('tmp');
  await chmod(work.folder, 0o755);
  await mkdir(tmp, { mode: 0o755 });
  await work.write('plan.yaml', backupPlan(['./disk.raw'], 'limits: { diskRate: 1MiB }\n'));
  const running = startRun(work, tmp);
  const copies = Promise.withResolvers<void>();
  running.stdout
    .setEncoding('utf8')
    .on('data', (text: string) => text.includes('"phase":"copying"') && copies.resolve());
  void running.then(() => copies.resolve());
  await copies.promise;
  const pids = (): number[] => processesWith('TMPDIR', tmp);
  const served = (): string[][] =>
    pids()
      .map(argvOf)
      .filter((argv) => argv[0]?.endsWith('qemu-nbd') && !argv.includes('--read-only') && argv.length > 5);
  expect(served()).toHaveLength(1);
  const [argv = []] = served();
  const named = (option: string): string =>
    argv.find((word) => word.startsWith(`--${option}=`))?.slice(option.length + 3) ?? '';
  return { running, argv, uri: `nbd+unix:///${named('export-name')}?socket=${named('socket')}`, pids };
}

const pointsOf = async (work: Workspace): Promise<{ backup_id: string }[]> =>
  (JSON.parse((await work.call(['list', '--json'])).stdout) as { points: { backup_id: string }[] }).points;

test.each(['full', 'incremental'])(
  'while a %s runs on one machine nobody else reads or writes the backup: no port is open, and the sockets are private',
  async (mode) => {
    await using work = await workspace();
    await makeRaw(work.path('disk.raw'), 24 * MiB, [[0, 4 * MiB]]);
    if (mode === 'incremental') {
      await work.write('plan.yaml', backupPlan(['./disk.raw']));
      const first = await work.run('plan.yaml');
      expect(first.exitCode, first.stdout).toBe(0);
      await makeRaw(work.path('disk.raw'), 24 * MiB, [[0, 4 * MiB]]);
    }
    const { running, argv, uri, pids } = await startSlowly(work);
    expect(tcpListenersOf(pids())).toEqual([]);
    expect(argv.filter((word) => /^--(port|bind)=/.test(word))).toEqual([]);
    if (isRoot)
      for (const command of ['read -v 0 32', 'write -P 0x41 0 65536']) {
        const [file = '', ...rest] = [...asNobody, 'qemu-io', '-f', 'raw', uri, '-c', command];
        const tried = await execa(file, rest, { reject: false });
        expect(tried.exitCode, tried.stdout).not.toBe(0);
        expect(tried.stderr).toContain('Permission denied');
      }
    const { exitCode, stdout } = await running;
    expect(exitCode, stdout).toBe(0);
    const { backup_id: id } = (await pointsOf(work)).at(-1) ?? { backup_id: '' };
    expect(await sameContent(work.path('disk.raw'), work.path('repository', 'pgtest1', 'disk-0', `${id}.qcow2`))).toBe(
      true,
    );
  },
  300_000,
);

test('a full into which somebody wrote while it ran is refused, and nothing is committed or left', async () => {
  await using work = await workspace();
  await makeRaw(work.path('disk.raw'), 24 * MiB, [[0, 4 * MiB]]);
  const { running, uri } = await startSlowly(work);
  // Who may open the socket: this user. The copy itself writes nothing here.
  await execa('qemu-io', ['-f', 'raw', uri, '-c', 'write -P 0x41 20M 64k']);
  const { exitCode, stdout } = await running;
  expect(exitCode, stdout).toBe(1);
  expect(stdout).toContain('"code":"content.mismatch"');
  expect(stdout).toContain('first at offset 20971520');
  expect(await pointsOf(work)).toEqual([]);
  expect(leftovers(work.folder)).toEqual([]);
}, 300_000);
