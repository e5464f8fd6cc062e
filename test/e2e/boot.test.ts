import { setTimeout as delay } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { atMonitor } from '../../src/boot/monitor.ts';
import { argvOf } from '../../src/host/programs/process-identity.ts';
import type { BootOutput } from '../../src/schemas/types.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { changeBoot, listBoots } from '../../src/state/boots/boots.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import { bootCalls, endBoots, guestWrites, machine, watchers } from './boot-bench.ts';
import { canMount } from '../support/loop-mount.ts';
import { smallDisk } from '../support/small-disk.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';
import { backupPlan, makeRaw, program, workspace, writeAt, type Workspace } from './workspace.ts';

hurryKdf();

const MiB = 2 ** 20;
const timeout = 300_000;

let work: Workspace;
let vm: ReturnType<typeof bootCalls>;

beforeAll(async () => {
  work = await workspace();
  vm = bootCalls(work);
  await makeRaw(work.path('disk0.raw'), 4 * MiB, [[MiB, 2 * MiB]]);
  await writeAt(work.path('disk0.raw'), [0, bootSector('login: ')]);
  await makeRaw(work.path('disk1.raw'), 2 * MiB, [[0, MiB]]);
  await work.write('nightly.yaml', backupPlan(['disk0.raw', 'disk1.raw']));
  const run = await work.run('nightly.yaml');
  if (run.exitCode !== 0) throw new Error(run.stderr);
}, timeout);

afterAll(async () => {
  await endBoots(work);
  await work[Symbol.asyncDispose]();
});

const repository = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(work.path('repository/pgtest1'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [
        `${parentPath}/${name}`,
        createHash('sha256')
          .update(readFileSync(`${parentPath}/${name}`))
          .digest('hex'),
      ]),
  );

const ends = (pid: number | null): void => void process.kill(pid ?? 0, 'SIGKILL');

describe('a VM that runs from a restore point', { timeout }, () => {
  it('outlives its command, keeps the restore point, writes nothing to it, and is thrown away', async () => {
    const before = repository();
    const boot = await vm.start();
    expect(boot).toMatchObject({
      state: 'running',
      vm: 'pgtest1',
      network: 'none',
      needs_repository: true,
      move: null,
    });
    expect(argvOf(boot.guest_pid ?? 0)).toContain('none');
    await vi.waitUntil(async () => (await vm.call('boot', 'status', boot.id, '--serial')).includes('login:'), {
      timeout: 300_000,
      interval: 100,
    });
    await vm.call('boot', 'status', 'pgtest1', '--screenshot', work.path('screen.png'));
    expect(readFileSync(work.path('screen.png')).subarray(1, 4).toString()).toBe('PNG');
    const again = await work.call(['boot', 'status', 'pgtest1', '--screenshot', work.path('screen.png')]);
    expect(again.stderr).toContain('exists already');
    await guestWrites(boot, 'disk0', '1M 64k', 0x11);
    const unasked = await work.call(['boot', 'stop', boot.id]);
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') as string });
    await vm.call('boot', 'stop', boot.id, '--yes');
    expect(repository()).toEqual(before);
    expect(existsSync(boot.folder)).toBe(false);
    expect(await vm.list()).toEqual([]);
  });

  it('gets its chain back when what serves it is killed, also when nobody looks after it at that time', async () => {
    const boot = await vm.start();
    const [first] = boot.disks;
    ends(first?.server_pid ?? null);
    await vm.until(boot.id, ({ disks }) => ![null, first?.server_pid].includes(disks[0]?.server_pid ?? null));
    for (const pid of watchers(work)) process.kill(pid, 'SIGKILL');
    for (const { server_pid: pid } of (await vm.status(boot.id)).disks) ends(pid);
    await vm.until(
      boot.id,
      ({ disks, state }) => state === 'running' && disks.every(({ server_pid: pid }) => pid !== null),
    );
    await guestWrites(boot, 'disk1', '0 4k', 0x22);
    await vm.call('boot', 'stop', boot.id, '--yes');
  });

  it('is off when QEMU was killed or the machine restarted, and starts again with what its guest wrote', async () => {
    const boot = await vm.start();
    await guestWrites(boot, 'disk0', '1M 64k', 0x33);
    await guestWrites(boot, 'disk0', '0 512', 0);
    await guestWrites(boot, 'disk0', '2M 512', 0x44);
    await vm.call('boot', 'stop', boot.id, '--power-off', '--force');
    expect(await vm.status(boot.id)).toMatchObject({ state: 'off', why: null, guest_pid: null });
    ends((await vm.json('boot', 'start', boot.id)).guest_pid);
    await vm.until(boot.id, ({ state }) => state === 'off');
    using state = openState(work.path('state/sendense.db'));
    changeBoot(state, boot.id, { place: '11111111-2222-3333-4444-555555555555 pid:[4026531836]' });
    expect(await vm.status(boot.id)).toMatchObject({
      state: 'off',
      why: expect.stringContaining('started again') as string,
    });
    const back = await vm.json('boot', 'start', boot.id);
    expect(back).toMatchObject({ state: 'running', id: boot.id });
    await vm.call('boot', 'stop', boot.id, '--power-off', '--force');
    const { stdout } = await execa(
      'qemu-img',
      ['map', '--output=json', '-U', '--image-opts', `driver=qcow2,file.filename=${boot.folder}/disk-0.qcow2,backing=`],
      { reject: false },
    );
    expect(stdout).toContain('"data": true');
    await vm.call('boot', 'stop', boot.id, '--yes');
  });

  it('is paused at its quota, says so, and goes on when there is room', async () => {
    const boot = await vm.start('--quota', '1MiB');
    await guestWrites(boot, 'disk0', '0 2M', 0x55);
    await vm.until(boot.id, ({ state }) => state === 'paused');
    expect((await vm.list())[0]).toMatchObject({
      state: 'paused',
      why: 'its disks have grown to its quota of 1.0 MiB',
    });
    using state = openState(work.path('state/sendense.db'));
    const [row] = listBoots(state);
    changeBoot(state, boot.id, {
      machine: JSON.stringify({ ...(JSON.parse(row?.machine ?? '{}') as object), quotaBytes: null }),
    });
    await vm.until(boot.id, ({ state: now }) => now === 'running');
    await vm.call('boot', 'stop', boot.id, '--yes');
  });

  it.skipIf(!canMount)(
    'is paused when the disk that it writes to gets full, and goes on when there is room',
    async () => {
      const folder = work.path('small');
      await using _disk = await smallDisk(folder, 'size=32m');
      const boot = await vm.start('--folder', folder, '--reserve', '8MiB');
      const { bavail, bsize } = await statfs(folder);
      await writeFile(join(folder, 'ballast'), Buffer.alloc(bavail * bsize - 9 * MiB));
      await guestWrites(boot, 'disk0', '1M 512', 0x55);
      expect(await vm.status(boot.id)).toMatchObject({ state: 'running' });
      await guestWrites(boot, 'disk0', '1M 2M', 0x55);
      await vm.until(boot.id, ({ state }) => state === 'paused');
      expect((await vm.status(boot.id)).why).toContain('has less than 8.0 MiB free');
      await rm(join(folder, 'ballast'));
      await vm.until(boot.id, ({ state }) => state === 'running');
      await vm.call('boot', 'stop', boot.id, '--yes');
    },
  );

  it.each(['folder', 'disk-1.qcow2', 'disk-0.pid', 'programs.log', 'guest.pid', 'qmp.sock'])(
    'whose command is killed when there is its %s, is gone or runs',
    async (name) => {
      const known = new Set((await vm.list()).map(({ id }) => id));
      const command = execa(process.execPath, [program, 'boot', 'pgtest1', ...machine], {
        cwd: work.folder,
        reject: false,
        env: { NO_COLOR: '1' },
      });
      const isThere = (): boolean =>
        ids()
          .filter((id) => !known.has(id))
          .some((id) => name === 'folder' || existsSync(work.path('state/boots', id, name)));
      const ids = (): string[] =>
        existsSync(work.path('state/boots'))
          ? readdirSync(work.path('state/boots')).filter((id) => id.startsWith('boot-'))
          : [];
      await vi.waitUntil(isThere, { timeout: 200_000, interval: 1 });
      command.kill('SIGKILL');
      await command;
      // Who looks after the others may be about to remove it, and has not said so yet.
      const isSettled = async (): Promise<boolean> =>
        !(await vm.list()).some(({ state }) => state === 'starting' || state === 'stopping');
      await vi.waitUntil(isSettled, { timeout: 200_000, interval: 100 });
      const [left, ...more] = await vm.list();
      expect(more).toEqual([]);
      if (left) {
        expect(left).toMatchObject({ state: 'running' });
        await vm.call('boot', 'stop', left.id, '--yes');
      }
      expect(ids()).toEqual([]);
    },
  );

  it('ends in bounded time though what serves its chain hangs, and nothing of it stays', async () => {
    const boot = await vm.start();
    for (const { server_pid: pid } of boot.disks) process.kill(pid ?? 0, 'SIGSTOP');
    const off = await work.call(['boot', 'stop', boot.id, '--power-off', '--timeout', '1s']);
    expect(off.stderr).toContain('--force');
    await vm.call('boot', 'stop', boot.id, '--yes');
    expect(existsSync(boot.folder)).toBe(false);
    for (const pid of [boot.guest_pid, ...boot.disks.map((disk) => disk.server_pid)])
      expect(argvOf(pid ?? 0)).toEqual([]);
    const other = await vm.start();
    for (const { server_pid: pid } of other.disks) process.kill(pid ?? 0, 'SIGSTOP');
    await vm.call('boot', 'stop', other.id, '--power-off', '--force');
    expect(await vm.json('boot', 'start', other.id)).toMatchObject({ state: 'running' });
    await vm.call('boot', 'stop', other.id, '--yes');
  });

  it('has its plug pulled though somebody waits for its guest to shut down', async () => {
    const boot = await vm.start();
    const waits = work.call(['boot', 'stop', boot.id, '--power-off', '--timeout', '4m']);
    // Its guest has no system that would hear the button.
    await delay(2000);
    await vm.call('boot', 'stop', boot.id, '--power-off', '--force');
    const gentle = await waits;
    expect(gentle, gentle.stderr).toMatchObject({ exitCode: 0 });
    expect(await vm.json('boot', 'start', boot.id)).toMatchObject({ state: 'running' });
    await vm.call('boot', 'stop', boot.id, '--yes');
  });

  it('whose repository is gone says what to do, and goes on when that is back', async () => {
    const boot = await vm.start();
    await vm.call('boot', 'stop', boot.id, '--power-off', '--force');
    await rename(work.path('repository'), work.path('unplugged'));
    const again = await work.call(['boot', 'start', boot.id]);
    const first = await work.call(['boot', 'pgtest1', ...machine]);
    await rename(work.path('unplugged'), work.path('repository'));
    for (const { stderr } of [again, first]) expect(stderr).toMatch(/repository\.unusable[^]*Mount it/);
    expect(again.stderr).toContain(`boot stop ${boot.id} --yes`);
    expect(await vm.json('boot', 'start', boot.id)).toMatchObject({ state: 'running' });
    await vm.call('boot', 'stop', boot.id, '--yes');
  });

  it('does not run on a damaged chain: neither again, nor when what serves it comes back', async () => {
    const boot = await vm.start();
    const image = work.path(`repository/pgtest1/disk-1/${boot.backup_id}.qcow2`);
    const cutOff = async (): Promise<void> => {
      await rename(image, `${image}.whole`);
      await writeFile(image, readFileSync(`${image}.whole`).subarray(0, -65_536));
    };
    await cutOff();
    ends(boot.disks[1]?.server_pid ?? null);
    await vi.waitUntil(() => readFileSync(work.path('state/boots/watch.log'), 'utf8').includes('were committed'), {
      timeout: 300_000,
      interval: 100,
    });
    expect((await vm.status(boot.id)).disks[1]).toMatchObject({ server_pid: null });
    await rename(`${image}.whole`, image);
    await vm.until(boot.id, ({ disks, state }) => state === 'running' && disks[1]?.server_pid !== null);
    await vm.call('boot', 'stop', boot.id, '--power-off', '--force');
    await cutOff();
    const again = await work.call(['boot', 'start', boot.id]);
    expect(again.stderr).toMatch(/chain\.damaged[^]*were committed[^]*boot start/);
    expect(await vm.status(boot.id)).toMatchObject({ state: 'off', guest_pid: null });
    await rename(`${image}.whole`, image);
    expect(await vm.json('boot', 'start', boot.id)).toMatchObject({ state: 'running' });
    await vm.call('boot', 'stop', boot.id, '--yes');
  });

  it('says in its notes that nobody has compared a file of its chain whose time is another one', async () => {
    const [point] = JSON.parse(await vm.call('list', 'pgtest1', '--json')).points as { disks: { path: string }[] }[];
    const file = point?.disks[0]?.path ?? '';
    const { atime, mtime } = statSync(file);
    utimesSync(file, atime, new Date(mtime.getTime() + 5000));
    const boot = await vm.start();
    expect(boot.notes.join()).toMatch(/disk-0\/.*qcow2 has another time .* --level deep/);
    await vm.call('boot', 'stop', boot.id, '--yes');
    // To the nanosecond it cannot be put back: what is compared counts as sound.
    await vm.call('verify', '--level', 'deep');
  });

  it('cannot be started: a clear error, and nothing stays', async () => {
    for (const [args, text] of [
      [[], 'missing: memory, cpus'],
      [[...machine, '--network', 'bridge:a,b=c'], '--network bridge:a,b=c'],
      [[...machine, '--memory', '12'], '--memory 12 is not a size'],
      [[...machine, '--reserve', '8000TiB'], 'have to stay free'],
      [[...machine, '--network', 'bridge:nobody0'], 'nobody0'],
    ] as const) {
      const refused = await work.call(['boot', 'pgtest1', ...args]);
      expect(refused.exitCode, args.join(' ')).not.toBe(0);
      expect(refused.stderr).toContain(text);
    }
    const unknown = await work.call(['boot', 'status', 'boot-00000000']);
    expect(unknown.stderr).toContain('boot.unknown');
    expect(await vm.list()).toEqual([]);
    expect(readdirSync(work.path('state/boots')).filter((name) => name.startsWith('boot-'))).toEqual([]);
  });
});

describe('boot move', { timeout }, () => {
  it('goes on after a kill of the chain, of QEMU and of the command; then nothing of the repository is needed', async () => {
    const boot = await vm.start();
    await guestWrites(boot, 'disk0', '1M 64k', 0x66);
    const moving = execa(process.execPath, [program, 'boot', 'move', boot.id, '--to', 'moved', '--limit', '256KiB'], {
      cwd: work.folder,
      reject: false,
    });
    await vm.until(boot.id, ({ move }) => (move?.copied_bytes ?? 0) > 0);
    moving.kill('SIGKILL');
    await moving;
    for (const { server_pid: pid } of boot.disks) ends(pid);
    await vm.until(boot.id, ({ disks }) => disks.every(({ server_pid: pid }) => pid !== null));
    const far = await vm.status(boot.id);
    expect(far).toMatchObject({ state: 'running', needs_repository: true, move: { done: false } });
    ends(far.guest_pid);
    await vm.until(boot.id, ({ state }) => state === 'off');
    expect((await work.call(['boot', 'move', boot.id, '--to', 'moved'])).stderr).toContain('boot.off');
    // As if a copy of the database from before the move had been put back.
    {
      using state = openState(work.path('state/sendense.db'));
      changeBoot(state, boot.id, { move: null });
    }
    expect((await work.call(['boot', 'move', boot.id, '--to', 'elsewhere'])).stderr).toContain('is moving to');
    {
      using state = openState(work.path('state/sendense.db'));
      changeBoot(state, boot.id, { move: null });
    }
    await vm.json('boot', 'start', boot.id);
    const moved = await vm.json('boot', 'move', boot.id, '--to', 'moved');
    expect(moved).toMatchObject({ state: 'running', needs_repository: false, move: { done: true } });
    expect(moved.disks.map(({ server_pid: pid }) => pid)).toEqual([null, null]);
    expect(readdirSync(work.path('moved')).toSorted()).toEqual(['disk-0.qcow2', 'disk-1.qcow2']);
    const [top = ''] = (await runsFrom(boot)).filter((name) => name.includes('disk0') || name.includes('moved0'));
    await guestWrites(boot, top, '3M 64k', 0x77);
    ends(moved.guest_pid);
    await vm.until(boot.id, ({ state }) => state === 'off');
    await vm.json('boot', 'start', boot.id);
    await vm.call('boot', 'stop', boot.id, '--yes');
    const wanted = readFileSync(work.path('disk0.raw'));
    wanted.fill(0x66, MiB, MiB + 65_536).fill(0x77, 3 * MiB, 3 * MiB + 65_536);
    await writeFile(work.path('wanted.raw'), wanted);
    for (const [disk, raw] of [
      ['disk-0', 'wanted.raw'],
      ['disk-1', 'disk1.raw'],
    ] as const)
      await execa('qemu-img', [
        'compare',
        '-f',
        'qcow2',
        '-F',
        'raw',
        work.path('moved', `${disk}.qcow2`),
        work.path(raw),
      ]);
    const taken = await vm.start();
    const refused = await work.call(['boot', 'move', taken.id, '--to', 'moved']);
    expect(refused.stderr).toContain('exists already');
    // What is in there would go with the VM, or look like a part of a restore point.
    for (const to of [join(taken.folder, 'inner'), 'repository/pgtest1'])
      expect((await work.call(['boot', 'move', taken.id, '--to', to])).stderr).toContain('lies inside');
    const inRepository = await work.call(['boot', 'pgtest1', '--folder', 'repository/boots']);
    expect(inRepository.stderr).toContain('lies inside the repository');
    expect(existsSync(work.path('repository/boots'))).toBe(false);
    expect(await vm.status(taken.id)).toMatchObject({ state: 'running', move: null });
    await vm.call('boot', 'move', taken.id, '--to', 'late', '--limit', '256KiB', '--no-wait');
    await writeFile(work.path('late/disk-1.qcow2'), 'of somebody else');
    const late = await work.call(['boot', 'move', taken.id, '--to', 'late']);
    expect(late.stderr).toContain('late/disk-1.qcow2 exists already');
    expect(await vm.status(taken.id)).toMatchObject({ state: 'running', needs_repository: true });
    expect(readFileSync(work.path('late/disk-1.qcow2'), 'utf8')).toBe('of somebody else');
    await rm(work.path('late/disk-1.qcow2'));
    expect(await vm.json('boot', 'move', taken.id, '--to', 'late')).toMatchObject({ needs_repository: false });
    await vm.call('boot', 'stop', taken.id, '--yes');
  });

  it('that is given up leaves no folder that it made, and no file in one that was there', async () => {
    await mkdir(work.path('was-there'));
    for (const [to, stays] of [
      ['given-up', false],
      ['was-there', true],
    ] as const) {
      const boot = await vm.start();
      await vm.call('boot', 'move', boot.id, '--to', to, '--limit', '64KiB', '--no-wait');
      expect(readdirSync(work.path(to))).not.toEqual([]);
      await vm.call('boot', 'stop', boot.id, '--yes');
      expect(existsSync(work.path(to))).toBe(stays);
    }
    expect(readdirSync(work.path('was-there'))).toEqual([]);
  });

  const runsFrom = ({ folder }: BootOutput): Promise<string[]> =>
    atMonitor(folder, async (ask) =>
      ((await ask('query-block')) as { inserted?: { 'node-name': string } }[]).map(
        (one) => one.inserted?.['node-name'] ?? '',
      ),
    );
});

test('prune keeps what a VM runs from, until the VM has gone', { timeout }, async () => {
  const boot = await vm.start();
  await writeAt(work.path('disk0.raw'), [3 * MiB, Buffer.alloc(4096, 7)]);
  expect((await work.run('nightly.yaml')).exitCode).toBe(0);
  const prune = (): Promise<string> => vm.call('prune', '--vm', 'pgtest1', '--keep-last', '1', '--yes', '--json');
  expect(await prune()).toContain(`${boot.id} runs from it`);
  await vm.call('boot', 'stop', boot.id, '--yes');
  expect(await prune()).not.toContain('runs from');
  expect((await work.call(['boot', 'pgtest1', ...machine])).exitCode).toBe(0);
  expect((await work.call(['boot', boot.backup_id, ...machine])).stderr).toContain('point.unknown');
});

test('a hub that did not start the VM keeps what it runs from, also while it is off', { timeout }, async () => {
  const settings = `version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ${work.path('repository')} }\n`;
  await using other = await workspace({ settings });
  const there = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await other.call(args);
    return { exitCode, text: `${stdout}${stderr}` };
  };
  const prune = (how: '--dry-run' | '--yes') => there('prune', '--vm', 'pgtest1', '--keep-last', '1', how, '--json');
  for (const { id } of await vm.list()) await vm.call('boot', 'stop', id, '--yes');
  const boot = await vm.start();
  await vm.call('boot', 'stop', boot.id, '--power-off', '--force');
  await writeAt(work.path('disk0.raw'), [3 * MiB, Buffer.alloc(4096, 8)]);
  expect((await work.run('nightly.yaml')).exitCode).toBe(0);
  expect((await there('repo', 'import', 'primary')).exitCode).toBe(0);
  expect((await prune('--dry-run')).text).toContain(`${boot.id} of host `);
  expect((await prune('--yes')).text).toContain(`runs from it`);
  expect((await there('show', boot.backup_id)).text).toContain(`in use: ${boot.id} of host `);
  expect((await there('list', '--json')).text).toContain('"used_by"');
  // Its hub knows better, and says what to do.
  const own = await work.call(['unprotect', boot.backup_id, '--forget-boot', boot.id]);
  expect(own).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`boot stop ${boot.id} --yes`) as string });
  expect(await vm.json('boot', 'start', boot.id)).toMatchObject({ state: 'running' });
  expect((await there('unprotect', boot.backup_id, '--forget-boot', 'boot-00000000')).text).toContain('boot.unknown');
  await vm.json('boot', 'move', boot.id, '--to', 'kept');
  expect((await prune('--dry-run')).text).not.toContain('runs from');
  await vm.call('boot', 'stop', boot.id, '--yes');
  const dead = await vm.start();
  expect((await there('show', dead.backup_id)).text).toContain(dead.id);
  expect((await there('unprotect', dead.backup_id, '--forget-boot', dead.id)).exitCode).toBe(0);
  expect((await there('show', dead.backup_id)).text).not.toContain(dead.id);
  await vm.call('boot', 'stop', dead.id, '--yes');
});

describe('in an encrypted repository', { timeout }, () => {
  it('what the guest writes is encrypted, and the key is in no command line', async () => {
    const key = 'c2VjcmV0LWtleS1vZi10aGUtcmVwb3NpdG9yeS0xMjM0NTY';
    await using locked = await workspace({
      settings: `version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository, encryption: { key: { secret: { file: key } } } }\n`,
    });
    await writeFile(locked.path('key'), key, { mode: 0o600 });
    await makeRaw(locked.path('disk0.raw'), 2 * MiB, [[0, MiB]]);
    await locked.write('nightly.yaml', backupPlan(['disk0.raw']));
    const run = await locked.run('nightly.yaml');
    expect(run.exitCode, run.stderr).toBe(0);
    const calls = bootCalls(locked);
    const boot = await calls.start();
    await guestWrites(boot, 'disk0', '0 64k', 0x61);
    for (const pid of [boot.guest_pid, boot.disks[0]?.server_pid])
      expect(argvOf(pid ?? 0).join(' ')).not.toContain(key);
    await calls.call('boot', 'stop', boot.id, '--power-off', '--force');
    expect(readFileSync(`${boot.folder}/disk-0.qcow2`).includes(Buffer.alloc(1024, 0x61))).toBe(false);
    expect(await calls.json('boot', 'start', boot.id)).toMatchObject({ state: 'running' });
    expect(await calls.json('boot', 'move', boot.id, '--to', 'moved')).toMatchObject({ needs_repository: false });
    await calls.call('boot', 'stop', boot.id, '--yes');
    await writeAt(locked.path('disk0.raw'), [0, Buffer.alloc(65_536, 0x61)]);
    const moved = locked.path('moved/disk-0.qcow2');
    await execa('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', moved, locked.path('disk0.raw')]);
    await endBoots(locked);
  });
});
