/** What the programs make is never open to others, whatever the umask of whoever calls them: strace(1) sees each name as it is made. */
import { execa } from 'execa';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { backupPlan, makeRaw, program, restorePlan, workspace, type Workspace } from './workspace.ts';

const KiB = 1024;
const calls = 'trace=open,openat,creat,mkdir,mkdirat,mknod,mknodat,bind,umask,chmod,fchmod,fchmodat';

/** Calls that make something before others are kept out, or that let them in. */
async function faults(work: Workspace, ...args: string[]): Promise<string[]> {
  const log = work.path('trace');
  const strace = [
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-s',
    '256',
    '-o',
    log,
    '-e',
    calls,
    '--',
    process.execPath,
    program,
    ...args,
  ];
  const ran = await execa('sh', ['-c', 'umask 000; exec strace "$@"', 'sh', ...strace], {
    cwd: work.folder,
    reject: false,
    timeout: 300_000,
    // The one of the tests lies where others cannot look.
    env: { NO_COLOR: '1', XDG_CACHE_HOME: work.path('cache'), NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  expect(ran.exitCode, ran.stderr).toBe(0);
  const wrong: string[] = [];
  let kept = false;
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    const mask = /umask\(0?([0-7]+)/.exec(line)?.[1];
    if (mask !== undefined) {
      kept = true;
      if ((Number.parseInt(mask, 8) & 0o077) !== 0o077) wrong.push(line);
    }
    const makes = /O_CREAT|\bmk(?:dir|nod)(?:at)?\(|\bbind\(.*sun_path|\bcreat\(/.test(line);
    if (makes && !kept && !line.includes('"/dev/')) wrong.push(line);
    const mode = /f?chmod(?:at)?\(.*?, 0?([0-7]+)[,)]/.exec(line)?.[1];
    if (mode !== undefined && (Number.parseInt(mode, 8) & 0o077) !== 0) wrong.push(line);
  }
  expect(kept).toBe(true);
  return wrong;
}

test(
  'whatever the umask, nobody else gets at disks, indexes, logs or sockets, at no time',
  { timeout: 300_000 },
  async () => {
    await using work = await workspace();
    // Made by hand, and open to all: what is in it is not.
    await mkdir(work.path('repository'));
    await chmod(work.path('repository'), 0o755);
    await makeRaw(work.path('disk0.raw'), 512 * KiB, [[0, 128 * KiB]]);
    await work.write('plan.yaml', backupPlan(['./disk0.raw'], 'retention: { last: 1 }\n'));
    await work.write('restore.yaml', restorePlan('./restored'));
    const before = await open(work);
    for (const args of [
      ['run', 'plan.yaml'],
      ['run', 'plan.yaml'],
      ['run', 'restore.yaml'],
      ['restore', 'pgtest1', '--to', './thin', '--format', 'qcow2', '--thin'],
      ['restore', 'pgtest1', '--to', './vmdk', '--format', 'vmdk'],
      ['verify', '--level', 'deep'],
      ['check'],
      ['upkeep'],
    ])
      expect(await faults(work, ...args), args.join(' ')).toEqual([]);
    expect(await open(work)).toEqual(before);
  },
);

/** What others could read or enter, but for the trace of the test. */
async function open({ folder }: Workspace): Promise<string[]> {
  const { stdout } = await execa('find', [folder, '-perm', '/077', '!', '-type', 'l', '!', '-name', 'trace']);
  return stdout.split('\n').toSorted();
}
