import { readdirSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withBoot } from '../../src/boot/claim.ts';
import { atMonitor, runState } from '../../src/boot/monitor.ts';
import { tendBoot } from '../../src/boot/tend-boot.ts';
import { whileStill } from '../../src/boot/while-still.ts';
import type { RepositoryAccess } from '../../src/restore-points/repository-access.ts';
import type { BootOutput, ListOutput, Manifest } from '../../src/schemas/types.ts';
import { changeBoot, findBoot } from '../../src/state/boots/boots.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { testProgram } from '../programs.ts';
import { processesNaming } from '../support/processes.ts';
import { bootCalls, endBoots, guestWrites, machine } from './boot-bench.ts';
import { hurryKdf } from '../support/hurried-kdf.ts';
import { backupPlan, makeRaw, workspace, writeAt, type Workspace } from './workspace.ts';

hurryKdf();

const MiB = 2 ** 20;
const timeout = 300_000;

let work: Workspace;
let vm: ReturnType<typeof bootCalls>;
let boot: BootOutput;

beforeAll(async () => {
  work = await workspace();
  vm = bootCalls(work);
  await makeRaw(work.path('disk0.raw'), 4 * MiB, [[MiB, 2 * MiB]]);
  await makeRaw(work.path('disk1.raw'), MiB, [[0, MiB / 2]]);
  await work.write('nightly.yaml', backupPlan(['disk0.raw', 'disk1.raw']));
  const run = await work.run('nightly.yaml');
  if (run.exitCode !== 0) throw new Error(run.stderr);
  boot = await vm.start();
  await guestWrites(boot, 'disk0', '1M 64k', 0x11);
  await guestWrites(boot, 'disk0', '3584k 4k', 0x22);
  await work.write(
    'keep.yaml',
    `version: 1\nkind: keep\nname: keep\nrepository: primary\nvm: { name: pgtest1 }\nboot: ${boot.id}\n`,
  );
}, timeout);

afterAll(async () => {
  await endBoots(work);
  await work[Symbol.asyncDispose]();
});

/** Names of what lies in the folder of the VM. */
const files = (at = work): string[] =>
  readdirSync(at.path('repository/pgtest1'), { recursive: true }).map(String).toSorted();

const points = async (at = work): Promise<ListOutput['points']> =>
  (JSON.parse((await at.call(['list', '--json'])).stdout) as ListOutput).points;

const manifestOf = (id: string, at = work): Manifest =>
  JSON.parse(readFileSync(at.path('repository/pgtest1', `${id}.json`), 'utf8')) as Manifest;

async function keep(at: Workspace = work, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await at.call(['boot', 'keep', 'pgtest1', '--json', ...args]);
  expect(exitCode, stderr).toBe(0);
  return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { backup_id: string }).backup_id;
}

async function sameAs(file: string, raw: string): Promise<void> {
  const { stdout, exitCode } = await execa('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', file, raw], {
    reject: false,
  });
  expect(exitCode, stdout).toBe(0);
}

describe('boot keep', { timeout }, () => {
  it.each(['boot.decide', 'qcow2.create', 'boot.copy', 'qcow2.seal', 'backup.commit'])(
    'that is killed after %s leaves nothing or a whole restore point, and a guest that runs',
    async (step) => {
      const before = files();
      const killed = await execa(process.execPath, [testProgram('e2e/killed-run-child'), 'keep.yaml', step, 'after'], {
        cwd: work.folder,
        reject: false,
      });
      expect(killed.signal).toBe('SIGKILL');
      expect((await work.call(['recover'])).exitCode).toBe(0);
      const left = await points();
      if (left.length === 1) expect(files()).toEqual(before);
      for (const { backup_id: id, kept } of left.slice(1)) {
        expect(kept?.boot).toBe(boot.id);
        await vm.call('unprotect', id);
        await vm.call('prune', '--vm', 'pgtest1', '--keep-last', '1', '--yes');
      }
      expect(files()).toEqual(before);
      expect(await vm.status(boot.id)).toMatchObject({ state: 'running' });
    },
  );

  it('that is killed while the guest is paused lets the guest go on', async () => {
    const killed = await execa(
      process.execPath,
      [testProgram('e2e/killed-run-child'), 'keep.yaml', 'boot.copy', 'says: the guest is paused'],
      {
        cwd: work.folder,
        reject: false,
      },
    );
    expect(killed.signal).toBe('SIGKILL');
    await vm.until(boot.id, ({ state }) => state === 'running');
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect(await points()).toHaveLength(1);
  });

  it('is not disturbed by a watcher that looked at the VM before it was claimed', async () => {
    using state = openState(work.path('state/sendense.db'));
    const before = findBoot(state, boot.id);
    if (!before) throw new Error('no row');
    const seen = await withBoot(state, boot.id, (row) =>
      whileStill(state, row, async () => {
        await tendBoot({ state } as RepositoryAccess, { ...before, owner: null });
        return atMonitor(boot.folder, runState);
      }),
    );
    expect(seen).toBe('paused');
    await vm.until(boot.id, ({ state: is }) => is === 'running');
  });

  it.each(['goes on', 'goes on and is paused again'])('keeps nothing where the guest %s meanwhile', async (how) => {
    using state = openState(work.path('state/sendense.db'));
    const kept = withBoot(state, boot.id, (row) =>
      whileStill(state, row, async () => {
        await atMonitor(boot.folder, (ask) => ask('cont'));
        if (how === 'goes on') return;
        changeBoot(state, boot.id, { paused: null });
        await atMonitor(boot.folder, (ask) => ask('stop'));
      }),
    );
    await expect(kept).rejects.toMatchObject({
      code: 'boot.failed',
      message: expect.stringContaining('let the guest go on') as string,
    });
    await vm.until(boot.id, ({ state: is }) => is === 'running');
  });

  it('makes a restore point of what was written, which no backup is built on and only its id means', async () => {
    const [first] = await points();
    const kept = await keep();
    expect(await vm.status(boot.id)).toMatchObject({ state: 'running' });
    const manifest = manifestOf(kept);
    expect(manifest).toMatchObject({
      kind: 'incremental',
      parent: first?.backup_id,
      kept: { boot: boot.id, of: first?.backup_id, guest: 'paused' },
      disks: [
        { change_id: null, bytes_transferred: 2 * 65_536 },
        { change_id: null, bytes_transferred: 0 },
      ],
    });
    const wanted = readFileSync(work.path('disk0.raw'));
    wanted.fill(0x11, MiB, MiB + 65_536).fill(0x22, 3584 * 1024, 3588 * 1024);
    await writeFile(work.path('wanted.raw'), wanted);
    await sameAs(work.path('repository/pgtest1/disk-0', `${kept}.qcow2`), work.path('wanted.raw'));
    await sameAs(work.path('repository/pgtest1/disk-1', `${kept}.qcow2`), work.path('disk1.raw'));
    await vm.call('verify', '--points', 'all', '--level', 'deep');
    await vm.call('restore', 'pgtest1', '--point', kept, '--to', 'restored', '--format', 'qcow2');
    await sameAs(work.path('restored/disk-0.qcow2'), work.path('wanted.raw'));
    await vm.call('restore', 'pgtest1', '--to', 'latest', '--format', 'qcow2');
    await sameAs(work.path('latest/disk-0.qcow2'), work.path('disk0.raw'));
    expect(await vm.call('list')).toContain(`kept of ${boot.id}, protected`);
    expect(await vm.call('show', 'pgtest1')).toMatch(/side branch[^]*power cut/);

    await writeAt(work.path('disk0.raw'), [2 * MiB, Buffer.alloc(4096, 7)]);
    const next = await work.run('nightly.yaml');
    expect(next.finished.disks).toMatchObject([{ mode: 'incremental' }, { mode: 'incremental' }]);
    const newest = next.finished.backup_id ?? '';
    expect(manifestOf(newest).parent).toBe(first?.backup_id);
    await sameAs(work.path('repository/pgtest1/disk-0', `${newest}.qcow2`), work.path('disk0.raw'));

    const prune = async (): Promise<string[]> => {
      await vm.call('prune', '--vm', 'pgtest1', '--keep-last', '1', '--yes');
      return (await points()).map(({ backup_id: id }) => id);
    };
    expect(await prune()).toEqual([first?.backup_id, kept, newest]);
    const imported = await otherDatabase();
    expect(imported.map(({ kept: from, protected: is }) => [from?.boot ?? null, is !== null])).toEqual([
      [null, false],
      [boot.id, true],
      [null, false],
    ]);
    // It runs from the kept one, and what it writes there is kept on top.
    const second = await vm.json('boot', kept, ...machine);
    expect(second.backup_id).toBe(kept);
    await guestWrites(second, 'disk1', '0 4k', 0x33);
    await vm.call('boot', 'stop', second.id, '--power-off', '--force');
    const { stdout } = await work.call(['boot', 'keep', second.id, '--json']);
    const top = (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { backup_id: string }).backup_id;
    expect(manifestOf(top)).toMatchObject({ parent: kept, kept: { guest: 'off' } });
    expect(processesNaming(second.folder)).toEqual([]);
    await work.write('off.yaml', readFileSync(work.path('keep.yaml'), 'utf8').replace(boot.id, second.id));
    const argv = [testProgram('e2e/killed-run-child'), 'off.yaml', 'boot.copy', 'says: the VM is off'];
    expect((await execa(process.execPath, argv, { cwd: work.folder, reject: false })).signal).toBe('SIGKILL');
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect(processesNaming(second.folder)).toEqual([]);
    await vm.call('boot', 'stop', second.id, '--yes');
    await vm.call('unprotect', top);
    await vm.call('unprotect', kept);
    expect(await prune()).toEqual([first?.backup_id, newest]);
    await vm.call('verify', '--points', 'all', '--level', 'deep');
  });

  it('compares a chain whose files somebody touched, and builds on none that has another content', async () => {
    const [first] = await points();
    const file = work.path('repository/pgtest1/disk-0', `${first?.backup_id}.qcow2`);
    const raw = readFileSync(work.path('disk0.raw'));
    const at = readFileSync(file).indexOf(raw.subarray(MiB + 65_536, MiB + 66_048));
    expect(at).toBeGreaterThan(0);
    const before = files();
    await writeAt(file, [at, Buffer.from(raw.subarray(MiB + 65_536, MiB + 66_048).map((byte) => byte ^ 0xff))]);
    const damaged = await work.call(['boot', 'keep', boot.id]);
    await writeAt(file, [at, raw.subarray(MiB + 65_536, MiB + 66_048)]);
    expect(damaged.stderr).toMatch(/chain\.damaged[^]*is not what was backed up/);
    expect(files()).toEqual(before);
    const kept = await keep();
    await vm.call('unprotect', kept);
    await vm.call('prune', '--vm', 'pgtest1', '--keep-last', '1', '--yes');
  });

  it('says what stands in its way, and changes nothing', async () => {
    const before = files();
    expect((await work.call(['boot', 'keep', 'boot-00000000'])).stderr).toContain('boot.unknown');
    expect((await work.call(['boot', 'keep', boot.id, '--compress', 'lz4'])).exitCode).toBe(2);
    const planned = await work.call(['boot', 'keep', boot.id, '--dry-run']);
    expect(planned.stdout).toContain(`what the guest of ${boot.id} wrote`);
    await work.write(
      'wrong.yaml',
      readFileSync(work.path('keep.yaml'), 'utf8').replace('name: pgtest1', 'name: other'),
    );
    const wrong = await work.run('wrong.yaml');
    expect(wrong.finished.error?.message).toContain('not of other');
    await work.write(
      'sendense.yaml',
      'version: 1\nstate: ./state/sendense.db\nrepositories: { primary: { path: ./repository, quota: 1MiB } }\n',
    );
    const full = await work.call(['boot', 'keep', boot.id]);
    await work.write(
      'sendense.yaml',
      'version: 1\nstate: ./state/sendense.db\nrepositories: { primary: { path: ./repository } }\n',
    );
    expect(full.stderr).toContain('quota');
    await vm.call('boot', 'move', boot.id, '--to', 'moved', '--limit', '64KiB', '--no-wait');
    const moving = await work.call(['boot', 'keep', boot.id]);
    expect(moving.stderr).toMatch(/is moving to[^]*kind `backup`/);
    expect(files()).toEqual(before);
    expect(await vm.status(boot.id)).toMatchObject({ state: 'running' });
  });

  /** What a hub without our database finds. */
  async function otherDatabase(): Promise<ListOutput['points']> {
    await using other = await workspace();
    await cp(work.path('repository'), other.path('repository'), { recursive: true, preserveTimestamps: true });
    expect((await other.call(['repo', 'import', 'primary'])).exitCode).toBe(0);
    return await points(other);
  }
});

describe('what was kept', { timeout }, () => {
  it.each([
    ['encrypted', 'encryption: { key: { secret: { file: key } } }'],
    ['compressed', 'compress: zstd'],
  ])('is %s as the repository is', async (how, more) => {
    const key = 'c2VjcmV0LWtleS1vZi10aGUtcmVwb3NpdG9yeS0xMjM0NTY';
    await using other = await workspace({
      settings: `version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository, ${more} }\n`,
    });
    await writeFile(other.path('key'), key, { mode: 0o600 });
    await makeRaw(other.path('disk0.raw'), 2 * MiB, [[0, MiB]]);
    await other.write('nightly.yaml', backupPlan(['disk0.raw']));
    const run = await other.run('nightly.yaml');
    expect(run.exitCode, run.stderr).toBe(0);
    const calls = bootCalls(other);
    await guestWrites(await calls.start(), 'disk0', '0 64k', 0x61);
    const kept = await keep(other);
    const file = other.path('repository/pgtest1/disk-0', `${kept}.qcow2`);
    expect(readFileSync(file).includes(Buffer.alloc(1024, 0x61))).toBe(false);
    const { disks } = manifestOf(kept, other);
    expect(how === 'encrypted' ? disks[0]?.encryption : disks[0]?.compression).toBeTruthy();
    await calls.call('verify', '--points', 'all', '--level', 'deep');
    await calls.call('restore', 'pgtest1', '--point', kept, '--to', 'restored', '--format', 'qcow2');
    await writeAt(other.path('disk0.raw'), [0, Buffer.alloc(65_536, 0x61)]);
    await sameAs(other.path('restored/disk-0.qcow2'), other.path('disk0.raw'));
    await endBoots(other);
  });
});
