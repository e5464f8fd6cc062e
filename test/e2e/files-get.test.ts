import { execa, type ResultPromise } from 'execa';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endFiles, filesKeepers } from './files-keepers.ts';
import { pointsOf } from './redate.ts';
import { backupPlan, program, workspace, type Workspace } from './workspace.ts';

const size = 24_000_000;

const fill = `
set -e
cd "$1"
rm -rf tree fs.img && mkdir -p tree/srv/deep
printf 'web1\\n' > tree/srv/deep/hostname
[ -e big ] || head -c ${size} /dev/urandom > big
cp big tree/srv/big
[ "$2" = one ] || printf added > tree/srv/added
truncate -s 64M fs.img && mkfs.ext4 -q -F -d tree fs.img
truncate -s 66M disk.raw
printf 'label: gpt\\nstart=2048,size=131072,type=linux\\n' | sfdisk -q disk.raw
dd if=fs.img of=disk.raw bs=1M seek=1 conv=notrunc status=none
`;

async function backedUp(bench: Workspace, as: readonly string[] = []): Promise<void> {
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  for (const night of ['one', 'two']) {
    const [file = '', ...words] = [...as, 'sh', '-c', fill, 'sh', bench.folder, night];
    await execa(file, words);
    const run = await bench.run('plan.yaml');
    if (run.exitCode !== 0) throw new Error(run.stderr);
  }
}

async function end(bench: Workspace): Promise<void> {
  await endFiles(bench);
  await bench[Symbol.asyncDispose]();
}

describe('files get that does not come to its end', () => {
  let bench: Workspace;
  beforeAll(async () => {
    bench = await workspace();
    await backedUp(bench);
    await bench.call(['files', 'ls', 'pgtest1', '/']);
  });
  afterAll(() => end(bench));

  const get = (...words: readonly string[]): ResultPromise =>
    execa(process.execPath, [program, 'files', 'get', 'pgtest1', ...words], {
      cwd: bench.folder,
      reject: false,
      timeout: 300_000,
    });

  /** Bytes of the file that have come so far. */
  const come = (to: string): number => {
    try {
      const [part = ''] = readdirSync(to);
      return statSync(join(to, part, 'data')).size;
    } catch {
      return 0;
    }
  };

  /** A command that has taken a part of the file out, and gets no more; tried again where it was quicker than we look. */
  async function halted(to: string): Promise<{ readonly command: ResultPromise }> {
    for (;;) {
      rmSync(to, { recursive: true, force: true });
      const command = get('/srv/big', '--to', to);
      const ended = { is: false };
      void command.then(() => (ended.is = true));
      while (!ended.is && come(to) === 0) await delay(1);
      for (const pid of filesKeepers(bench)) process.kill(pid, 'SIGSTOP');
      if (!ended.is && !existsSync(join(to, 'big'))) {
        await delay(0);
        return { command };
      }
      for (const pid of filesKeepers(bench)) process.kill(pid, 'SIGCONT');
      await command;
    }
  }

  async function goesOn(to: string): Promise<void> {
    expect(readdirSync(to)).toEqual([expect.stringMatching(/^\.sendense-files-/)]);
    const { exitCode, stderr } = await get('/srv/big', '--to', to, '--resume');
    expect(exitCode, String(stderr)).toBe(0);
    expect(readFileSync(join(to, 'big')).equals(readFileSync(bench.path('big')))).toBe(true);
    expect(readdirSync(to)).toEqual(['big']);
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: says how to go on, and goes on', async (signal, status) => {
    const to = bench.path(`out-${signal}`);
    const { command } = await halted(to);
    command.kill(signal);
    const { exitCode, stderr } = await command;
    for (const pid of filesKeepers(bench)) process.kill(pid, 'SIGCONT');
    expect([exitCode, String(stderr)]).toEqual([status, expect.stringContaining('--resume')]);
    await goesOn(to);
  });

  it('SIGKILL: the part is there, and goes on', async () => {
    const to = bench.path('out-killed');
    const { command } = await halted(to);
    command.kill('SIGKILL');
    await command;
    for (const pid of filesKeepers(bench)) process.kill(pid, 'SIGCONT');
    await goesOn(to);
  });

  it('what keeps the restore point open is killed: it is told, and goes on', async () => {
    const to = bench.path('out-lost');
    const { command } = await halted(to);
    for (const pid of filesKeepers(bench)) process.kill(pid, 'SIGKILL');
    const { exitCode, stderr } = await command;
    expect([exitCode, String(stderr)]).toEqual([1, expect.stringMatching(/files\.reader[\s\S]*--resume/)]);
    await goesOn(to);
    expect((await bench.call(['recover'])).exitCode).toBe(0);
  });

  it('a full disk: nothing is left', async () => {
    const to = bench.path('small');
    mkdirSync(to);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=4M', 'tmpfs', to]);
    try {
      for (const what of ['/srv/big', '/srv']) {
        const { exitCode, stderr } = await get(what, '--to', to, '--resume');
        expect(String(stderr)).toContain('disk.full');
        expect(exitCode).not.toBe(0);
        expect(readdirSync(to)).toEqual([]);
      }
    } finally {
      await execa('umount', [to]);
    }
  });

  it('a closed pipe: told without fuss', async () => {
    const words = [process.execPath, program, 'files'];
    const through = (...args: readonly string[]) =>
      execa('sh', ['-c', '{ "$@"; echo "status $?" >&2; } | head -c 10 | wc -c', 'sh', ...words, ...args], {
        cwd: bench.folder,
      });
    const archive = await through('get', 'pgtest1', '/srv', '--to', '-');
    expect([archive.stdout.trim(), archive.stderr]).toEqual([
      '10',
      'standard output was closed: the archive is not whole\nstatus 1',
    ]);
    expect((await through('cat', 'pgtest1', '/srv/big')).stderr).toBe('status 0');
  });
});

describe('an ordinary user', () => {
  const user = 65_534;
  const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'];
  let bench: Workspace;
  let parent: string;
  beforeAll(async () => {
    parent = mkdtempSync('/tmp/sendense-e2e-user-');
    chownSync(parent, user, user);
    bench = await workspace({ ownProcess: true, parent, prefix: as, env: { HOME: parent, TMPDIR: parent } });
    for (const path of [bench.folder, bench.path('sendense.yaml')]) chownSync(path, user, user);
    await backedUp(bench, as);
  });
  afterAll(async () => {
    await end(bench);
    rmSync(parent, { recursive: true });
  });

  const good = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await bench.call(['files', ...args]);
    expect(exitCode, stderr).toBe(0);
    return stdout;
  };

  it('lists, finds, compares and takes out', async () => {
    expect(await good('ls', 'pgtest1', '/srv')).toBe('added\nbig\ndeep/');
    expect(await good('find', 'pgtest1', '--name', 'host*')).toBe('disk-0p1:/srv/deep/hostname');
    const [before = '', after = ''] = await pointsOf(bench, 'pgtest1');
    expect(await good('diff', before, after, '/srv/')).toContain('+ disk-0p1:/srv/added');
    await good('get', 'pgtest1', '/srv', '--to', bench.path('out'));
    expect(readFileSync(bench.path('out/srv/big')).equals(readFileSync(bench.path('big')))).toBe(true);
    expect(statSync(bench.path('out/srv/deep/hostname')).uid).toBe(user);
  });

  it('mounts for nobody else', async () => {
    mkdirSync(bench.path('on'));
    chownSync(bench.path('on'), user, user);
    const [file = '', ...words] = [...as, process.execPath, program, 'files', 'mount', 'pgtest1', 'on'];
    const command = execa(file, words, {
      cwd: bench.folder,
      reject: false,
      timeout: 300_000,
      env: { HOME: parent, TMPDIR: parent },
    });
    let said = '';
    const ready = new Promise<void>((resolve) => {
      command.stderr.on('data', (piece: Buffer) => {
        said += piece.toString();
        if (said.includes('Ctrl-C')) resolve();
      });
    });
    await Promise.race([ready, command]);
    const read = (...before: readonly string[]) => {
      const [first = '', ...rest] = [...before, 'cat', bench.path('on/srv/deep/hostname')];
      return execa(first, rest, { reject: false });
    };
    expect((await read(...as)).stdout, said).toBe('web1');
    // Not even root.
    expect((await read()).exitCode).not.toBe(0);
    expect(await good('unmount', 'on')).toBe('');
    expect((await command).exitCode).toBe(0);
  });
});
