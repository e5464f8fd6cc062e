import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Manifest } from '../../src/schemas/types.ts';
import { liveProcesses } from '../../src/host/programs/process-identity.ts';
import { silentAfterMs } from '../../src/repository/vm-lock/take-lock.ts';
import { backupPlan, makeRaw, program, workspace, writeAt, type Workspace } from './workspace.ts';
import { randomBytes } from '../support/random.ts';

const mib = 1024 * 1024;

/** Hubs that know nothing of each other, and one repository; `second` is another one that both know, too. */
export interface TwoHubs extends AsyncDisposable {
  readonly folder: string;
  readonly a: Workspace;
  readonly b: Workspace;
  /** What each restore point must hold, by backup id; a point that is not in it was made of the disk as it is now. */
  readonly copies: Map<string, string>;
  /** Writes to the VM's disk. */
  change(): Promise<void>;
  /** Keeps what the disk is now for each restore point that is not known yet. */
  keepCopies(): Promise<void>;
  /** Every committed restore point that is not as it must be, in words. */
  faults(): Promise<string[]>;
  /** Resolves when somebody has the lock of the VM, or the call has ended. */
  held(call: Call): Promise<void>;
  /** As if whoever has a lock had given no sign of life for long. */
  silence(): Promise<void>;
  /** All of it as it is now, to be started from again. */
  save(): Promise<void>;
  restore(): Promise<void>;
}

/** A process of another pid namespace: those of the test cannot be seen by it, as if they were on another host. */
export const apart = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

export async function twoHubs(): Promise<TwoHubs> {
  const folder = await mkdtemp(join(tmpdir(), 'sendense-two-hubs-'));
  const settings = `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ${folder}/now/primary }
  second: { path: ${folder}/now/second }
`;
  const disk = join(folder, 'now/disk.raw');
  await mkdir(join(folder, 'now'));
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async () => workspace({ settings, parent: join(folder, 'now'), ownProcess: true })),
  );
  if (!a || !b) throw new Error('no workspaces');
  await makeRaw(disk, 4 * mib, [[0, mib]]);
  for (const hub of [a, b]) {
    await mkdir(hub.path('tmp'));
    await hub.write('plan.yaml', backupPlan([disk]));
  }
  const copies = new Map<string, string>();
  const at = (repository: string, ...names: string[]): string => join(folder, 'now', repository, ...names);
  const manifests = async (repository: string): Promise<Manifest[]> => {
    const names = await readdir(at(repository, 'pgtest1')).catch(() => []);
    const texts = await Promise.all(
      names.filter((name) => name.endsWith('.json')).map((name) => readFile(at(repository, 'pgtest1', name), 'utf8')),
    );
    return texts.map((text) => JSON.parse(text) as Manifest);
  };
  let number = 0;
  return {
    folder,
    a,
    b,
    copies,
    async change() {
      number++;
      await writeAt(
        disk,
        [(number % 3) * mib, randomBytes(100_000)],
        [3 * mib + (number % 9) * 65_536, randomBytes(1000)],
      );
    },
    async keepCopies() {
      for (const repository of ['primary', 'second'])
        for (const { backup_id: id } of await manifests(repository)) {
          if (copies.has(id)) continue;
          const copy = join(folder, `${id}.copy`);
          await copyFile(disk, copy);
          copies.set(id, copy);
        }
    },
    async faults() {
      const found: string[] = [];
      for (const repository of ['primary', 'second'])
        for (const { backup_id: id } of await manifests(repository)) {
          const image = at(repository, 'pgtest1/disk-0', `${id}.qcow2`);
          const compared = await execa('qemu-img', ['compare', image, copies.get(id) ?? disk], { reject: false });
          if (compared.exitCode !== 0) found.push(`${repository} ${id}: ${compared.stdout}${compared.stderr}`);
        }
      return found;
    },
    async held(call) {
      const taken = async (): Promise<boolean> => {
        for (const repository of ['primary', 'second'])
          for (const name of await readdir(at(repository, '.sendense/locks/pgtest1')).catch(() => []))
            if (name.startsWith('work-')) return true;
        return false;
      };
      while (call.running() && !(await taken())) await delay(5);
    },
    async silence() {
      const then = new Date(Date.now() - 2 * silentAfterMs);
      for (const repository of ['primary', 'second'])
        for (const kind of ['pgtest1', '.marks/pgtest1'])
          for (const name of await readdir(at(repository, '.sendense/locks', kind)).catch(() => []))
            if (name.startsWith('work-'))
              await utimes(at(repository, '.sendense/locks', kind, name, 'alive'), then, then).catch(() => undefined);
    },
    // With times to the nanosecond, by which files are known again.
    async save() {
      await execa('cp', ['-a', join(folder, 'now'), join(folder, 'saved')]);
    },
    async restore() {
      await rm(join(folder, 'now'), { recursive: true });
      await execa('cp', ['-a', join(folder, 'saved'), join(folder, 'now')]);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A call of sendense-run that can be stopped on its way. */
export interface Call {
  readonly ended: Promise<{ readonly exitCode: number | null; readonly text: string }>;
  running(): boolean;
  signal(name: NodeJS.Signals): void;
}

export function begin(hub: Workspace, args: readonly string[], prefix: readonly string[] = []): Call {
  const [file = '', ...rest] = [...prefix, process.execPath, program, '--config', hub.path('sendense.yaml'), ...args];
  // Sockets and folders of runs lie apart, too: whose process cannot be seen counts as dead on one host.
  const env = { ...process.env, NO_COLOR: '1', ...(prefix.length > 0 ? { TMPDIR: hub.path('tmp') } : {}) };
  return callOf(spawn(file, rest, { cwd: hub.folder, env }), hub.folder);
}

export function callOf(child: ChildProcess, folder: string): Call {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (more: string) => void (text += more));
  const ended = once(child, 'close').then(([code]) => ({ exitCode: code as number | null, text }));
  return {
    ended,
    running: () => child.exitCode === null && child.signalCode === null,
    signal(name) {
      // Of those in a pid namespace the number that it has here.
      for (const { identity, argv } of liveProcesses())
        if (
          argv[0] === process.execPath &&
          argv.some((word) => word.startsWith(folder)) &&
          identity.pid !== process.pid
        )
          try {
            process.kill(identity.pid, name);
          } catch {
            // It has ended.
          }
    },
  };
}
