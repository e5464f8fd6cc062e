import { execa, type ResultPromise } from 'execa';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProcessIdentity } from '../../src/schemas/types.ts';
import { isRunning } from '../../src/host/programs/process-identity.ts';
import { descendantsOf } from '../support/descendants.ts';
import { printedRandom, type Random } from '../support/random.ts';
import { enough } from '../support/rounds.ts';
import { writesBytes } from './files-hub.ts';
import { endFilesKeeper, filesKeepers } from './files-keepers.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, program, workspace, type Workspace } from './workspace.ts';

/** 4000 files, one of 24 MB among them, and one of 48 MB. */
const fill = `
set -e
cd "$1"
mkdir -p tree/etc tree/srv/many
printf 'web1\\n' > tree/etc/hostname
head -c 48000000 /dev/urandom > tree/big
head -c 24000000 /dev/urandom > tree/srv/large
(cd tree/srv/many && seq -f 'file %g' 4000 | while read -r name; do : > "$name"; done)
truncate -s 200M fs.img && mkfs.ext4 -q -F -d tree fs.img
truncate -s 202M disk.raw && echo start=2048,size=409600 | sfdisk -q disk.raw
dd if=fs.img of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
rm fs.img
`;

let bench: Workspace;
let random: Random;
const folders = 'srv/many';

beforeAll(async () => {
  bench = await workspace({ ownProcess: writesBytes });
  random = printedRandom('what is killed, and when');
  // What is left in the temporary folder is seen.
  mkdirSync(bench.path('t'));
  await execa('sh', ['-c', fill, 'sh', bench.folder]);
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  const run = await bench.run('plan.yaml');
  if (run.exitCode !== 0) throw new Error(run.stderr);
}, 300_000);

afterAll(() => bench[Symbol.asyncDispose]());

const environment = () => ({ NO_COLOR: '1', TMPDIR: bench.path('t') });

const start = (...args: string[]): ResultPromise<{ reject: false; timeout: number }> =>
  execa(process.execPath, [program, ...args], {
    cwd: bench.folder,
    reject: false,
    timeout: 300_000,
    env: environment(),
  });

async function good(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await bench.call(args, { env: environment() });
  expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

const victims = {
  'guest': 'linux.uml',
  'qemu-storage-daemon': 'qemu-storage-da',
  'bwrap': 'bwrap',
  'qemu-nbd': 'qemu-nbd',
  'keeper': null,
  'command': null,
} as const;
type Victim = keyof typeof victims;

const phases = {
  opening: () => ['ls', 'pgtest1', '/'],
  listing: () => ['find', 'pgtest1', '--name', 'nothing'],
  reading: (to: string) => ['get', 'pgtest1', '/big', '--to', to],
  unpacking: (to: string) => ['get', 'pgtest1', '/srv', '--to', to],
} as const;
type Phase = keyof typeof phases;

const usual: readonly (readonly [Victim, Phase])[] = [
  ['guest', 'listing'],
  ['qemu-storage-daemon', 'reading'],
  ['bwrap', 'opening'],
  ['qemu-nbd', 'unpacking'],
  ['keeper', 'unpacking'],
  ['command', 'opening'],
];
const cases = (Object.keys(victims) as Victim[]).flatMap((victim) =>
  (Object.keys(phases) as Phase[]).map((phase) => ({
    victim,
    phase,
    again: !usual.some(([one, when]) => one === victim && when === phase),
  })),
);

/** A process to be killed; null where there is none of this kind yet. */
function pidOf(victim: Victim, command: number): number | null {
  if (victim === 'command') return command;
  const [keeper] = filesKeepers(bench);
  if (keeper === undefined) return null;
  if (victim === 'keeper') return keeper;
  const found = descendantsOf(keeper).filter(({ name }) => name === victims[victim]);
  return found[random.int(0, Math.max(found.length, 1))]?.identity.pid ?? null;
}

/** Kills it some time after the work has begun, unless the work is quicker. @returns whether it did */
async function killIn(victim: Victim, phase: Phase, to: string, command: ResultPromise): Promise<boolean> {
  const ended = new AbortController();
  void command.finally(() => ended.abort()).catch(() => undefined);
  const hasBegun = (): boolean => {
    if (phase === 'opening' || phase === 'listing') return true;
    return existsSync(to) && readdirSync(to).length > 0;
  };
  let later = phase === 'opening' || phase === 'listing' ? random.int(0, 80) : random.int(0, 20);
  while (!ended.signal.aborted) {
    const pid = hasBegun() ? pidOf(victim, command.pid ?? 0) : null;
    if (pid !== null && later-- <= 0) {
      process.kill(pid, 'SIGKILL');
      return true;
    }
    await delay(10);
  }
  return false;
}

const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A final name holds all of it. */
function isWhole(to: string): void {
  if (existsSync(`${to}/big`)) expect(digestOf(`${to}/big`)).toBe(digestOf(bench.path('tree/big')));
  if (!existsSync(`${to}/srv`)) return;
  expect(digestOf(`${to}/srv/large`)).toBe(digestOf(bench.path('tree/srv/large')));
  expect(readdirSync(`${to}/${folders}`)).toHaveLength(4000);
}

async function gone(all: readonly ProcessIdentity[]): Promise<void> {
  await expect.poll(() => all.filter((one) => isRunning(one)).length, { timeout: 200_000, interval: 50 }).toBe(0);
}

const named = /files\.(reader|session)/;

describe('killed with SIGKILL', () => {
  test.for(enough(cases))(
    '$victim while $phase: it is told, and the next command works',
    { timeout: 600_000 },
    async ({ victim, phase }) => {
      const to = bench.path('out');
      await good('files', 'close', '--all');
      if (phase !== 'opening') await good('files', 'ls', 'pgtest1', '/');
      const before = filesKeepers(bench).flatMap(descendantsOf);
      const command = start('files', ...phases[phase](to));
      const killed = await killIn(victim, phase, to, command);
      const { exitCode, stderr } = await command;
      if (!killed) expect(exitCode, stderr).toBe(0);
      if (exitCode !== 0 && victim !== 'command') expect(stderr).toMatch(named);
      isWhole(to);
      // What served the restore point ends with what was killed.
      if (victim === 'keeper' && killed) await gone(before.map(({ identity }) => identity));
      expect(await good('files', 'cat', 'pgtest1', '/etc/hostname')).toBe('web1');
      await good('files', 'get', 'pgtest1', '/etc', '--to', to, '--overwrite');
      const parts = (): string[] => readdirSync(to).filter((name) => name.startsWith('.'));
      // A large file that was cut off is kept to go on with, and nothing else is.
      if (phase === 'reading' && parts().length > 0) await good('files', ...phases.reading(to), '--resume');
      expect(parts()).toEqual([]);
      isWhole(to);
      rmSync(to, { recursive: true });
    },
  );

  test('nothing stays after the next command that cleans up', { timeout: 300_000 }, async () => {
    await good('files', 'ls', 'pgtest1', '/');
    const all = filesKeepers(bench).flatMap(descendantsOf);
    await good('files', 'close', '--all');
    await endFilesKeeper(bench);
    await gone(all.map(({ identity }) => identity));
    await good('recover');
    expect(leftovers(bench.folder)).toEqual([]);
    const files = readdirSync(bench.path('t'), { recursive: true });
    expect(files).toEqual([]);
  });
});
