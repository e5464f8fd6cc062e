import { execa } from 'execa';
import { chmod, mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { programs } from '../programs.ts';
import { argvOf, processesWith, tcpListenersOf } from '../support/listeners.ts';
import { backupPlan, makeRaw, sameContent, workspace } from './workspace.ts';

const MiB = 1024 * 1024;
const isRoot = process.getuid?.() === 0;
/** What somebody else of this machine starts. */
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'TMPDIR=/tmp'];

test.each(['full', 'incremental'])(
  'while a %s runs on one machine nobody else reads or writes the backup: no port is open, and the sockets are private',
  async (mode) => {
    await using work = await workspace();
    await chmod(work.folder, 0o755);
    const tmp = work.path('tmp');
    await mkdir(tmp, { mode: 0o755 });
    await makeRaw(work.path('disk.raw'), 24 * MiB, [[0, 4 * MiB]]);
    if (mode === 'incremental') {
      await work.write('plan.yaml', backupPlan(['./disk.raw']));
      const first = await work.run('plan.yaml');
      expect(first.exitCode, first.stdout).toBe(0);
      await makeRaw(work.path('disk.raw'), 24 * MiB, [[0, 4 * MiB]]);
    }
    await work.write('plan.yaml', backupPlan(['./disk.raw'], 'limits: { diskRate: 1MiB }\n'));
    const running = execa(process.execPath, [programs.run, '--json', 'run', 'plan.yaml'], {
      cwd: work.folder,
      env: { TMPDIR: tmp, NO_COLOR: '1' },
      reject: false,
      timeout: 60_000,
    });
    const served = (): string[][] =>
      processesWith('TMPDIR', tmp)
        .map(argvOf)
        .filter((argv) => argv[0]?.endsWith('qemu-nbd') && !argv.includes('--read-only') && argv.length > 5);
    await expect.poll(served, { timeout: 30_000 }).toHaveLength(1);
    // It copies now, and goes on for seconds.
    await expect
      .poll(() => processesWith('TMPDIR', tmp).some((pid) => argvOf(pid).includes('--checked')), { timeout: 30_000 })
      .toBe(true);

    expect(tcpListenersOf(processesWith('TMPDIR', tmp))).toEqual([]);
    const [argv = []] = served();
    expect(argv.filter((word) => /^--(port|bind)=/.test(word))).toEqual([]);
    const named = (option: string): string =>
      argv.find((word) => word.startsWith(`--${option}=`))?.slice(option.length + 3) ?? '';
    const uri = `nbd+unix:///${named('export-name')}?socket=${named('socket')}`;
    if (isRoot)
      for (const command of ['read -v 0 32', 'write -P 0x41 0 65536']) {
        const [file = '', ...rest] = [...asNobody, 'qemu-io', '-f', 'raw', uri, '-c', command];
        const tried = await execa(file, rest, { reject: false });
        expect(tried.exitCode, tried.stdout).not.toBe(0);
        expect(tried.stderr).toContain('Permission denied');
      }
    const { exitCode, stdout } = await running;
    expect(exitCode, stdout).toBe(0);
    const list = JSON.parse((await work.call(['list', '--json'])).stdout) as { points: { backup_id: string }[] };
    const { backup_id: id } = list.points.at(-1) ?? { backup_id: '' };
    expect(await sameContent(work.path('disk.raw'), work.path('repository', 'pgtest1', 'disk-0', `${id}.qcow2`))).toBe(
      true,
    );
  },
  120_000,
);
