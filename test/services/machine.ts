import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A Debian system of its own that runs systemd, on nothing but namespaces; gone without a trace at its disposal. */
export interface Machine extends AsyncDisposable {
  /** Runs a shell script as root in it. */
  run(script: string): Ran;
  /** The same; fails where the script does. Returns its standard output. */
  do(script: string): string;
}

/** @param packages a folder that is /packages in it */
export async function bootMachine(packages: string): Promise<Machine> {
  const root = execFileSync(join(import.meta.dirname, 'make-debian-root.sh'), { encoding: 'utf8' }).trim();
  const scratch = mkdtempSync(join(tmpdir(), 'vm-'));
  const cgroup = join(unifiedCgroup(), `sendense-test-${process.pid}`);
  mkdirSync(cgroup);
  const boot = [
    'unshare',
    '-Cmpfuin',
    '--kill-child=KILL',
    join(import.meta.dirname, 'boot.sh'),
    root,
    scratch,
    packages,
  ];
  const child = spawn('sh', ['-c', `echo $$ > ${cgroup}/cgroup.procs && exec "$@"`, 'sh', ...boot], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit');
  const init = (): number | undefined => childrenOf(child.pid ?? 0)[0];
  const run = (script: string): Ran => {
    const { status, stdout, stderr } = spawnSync(
      'nsenter',
      ['--target', String(init()), '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', 'sh', '-c', script],
      {
        encoding: 'utf8',
        timeout: 300_000,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', XDG_CACHE_HOME: '/tmp' },
      },
    );
    return { code: status, stdout, stderr };
  };
  const machine: Machine = {
    run,
    do: (script) => {
      const { code, stdout, stderr } = run(script);
      if (code !== 0) throw new Error(`${script}\nended with ${code}\n${stdout}${stderr}\n${journalOf(run)}`);
      return stdout;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
      await removeCgroup(cgroup);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  while (!/running|degraded/.test(run('systemctl is-system-running --wait').stdout)) {
    if (child.exitCode !== null) throw new Error(`the machine did not boot: ${said}`);
    await delay(50);
  }
  return machine;
}

const journalOf = (run: Machine['run']): string => run("journalctl --no-pager --lines 60 --unit 'sendense-*'").stdout;

/** Where cgroup v2 is, alone or beside v1. */
const unifiedCgroup = (): string =>
  existsSync('/sys/fs/cgroup/unified/cgroup.procs') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';

const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

/** As soon as its processes, killed with their PID namespace, are gone. */
async function removeCgroup(path: string): Promise<void> {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  for (let attempt = 0; ; attempt++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      if (attempt > 200) throw error;
      await delay(25);
    }
  }
}
