import { execa } from 'execa';
import { copyFile, cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ListOutput, Manifest } from '../../src/schemas/types.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { randomBytes } from '../support/random.ts';
import { all } from '../support/rounds.ts';
import { MiB, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import { backupPlan, makeRaw, sameBytes, workspace } from './workspace.ts';

vi.setConfig({ testTimeout: 240_000 });

/** Two VMs of one name: B is a clone, whose disk even has the uuid of the disk of A. */
const diskUuid = '6000c29a-1111-2222-3333-444455556666';
const instanceA = '50200000-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const instanceB = '50200000-bbbb-4bbb-8bbb-bbbbbbbbbbbb';

interface Twins extends AsyncDisposable {
  readonly at: VsphereWorkspace;
  readonly a: SimulatedVm;
  readonly b: SimulatedVm;
  /** Backs up one of them as `web`. */
  backUp(vm: SimulatedVm, repository?: string): ReturnType<VsphereWorkspace['run']>;
  points(repository?: string): Promise<ListOutput['points']>;
  call(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>;
}

async function twins({ sameDisks = true } = {}): Promise<Twins> {
  const at = await vsphereWorkspace();
  const settings = await readFile(at.work.path('sendense.yaml'), 'utf8');
  const more = '  primary: { path: ./repository }\n  other: { path: ./other }\n';
  await at.work.write('sendense.yaml', settings.replace('  primary: { path: ./repository }\n', more));
  const add = (folder: string, instanceUuid: string, uuid: string): Promise<SimulatedVm> =>
    at.vcenter.addVm({
      name: 'web',
      folder,
      instanceUuid,
      cbt: true,
      disks: [{ capacity: 2 * MiB, uuid, content: randomBytes(MiB) }],
    });
  const a = await add('A', instanceA, diskUuid);
  const b = await add('B', instanceB, sameDisks ? diskUuid : diskUuid.replace('1111', '9999'));
  const plan = async (vm: SimulatedVm, repository: string): Promise<string> => {
    const name = `${vm === a ? 'a' : 'b'}-${repository}`;
    await at.work.write(
      `${name}.yaml`,
      `kind: backup\nname: ${name}\nvm: { name: web, path: ${vm.path} }\nrepository: ${repository}\n${repository === 'primary' ? 'retention: { last: 2 }\n' : ''}`,
    );
    return `${name}.yaml`;
  };
  const call: Twins['call'] = (...args) => at.work.call(args);
  return {
    at,
    a,
    b,
    call,
    async backUp(vm, repository = 'primary') {
      await vm.write(0, 0, randomBytes(512));
      return at.run(await plan(vm, repository));
    },
    async points(repository = 'primary') {
      const { stdout } = await call('--json', 'list', '--repository', repository);
      return (JSON.parse(stdout) as ListOutput).points;
    },
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

/** As an older version left it: the restore points of A, then those of B, all under one name. What the disks held is in `a.truth` and `b.truth`. */
async function mixed(): Promise<Twins> {
  const two = await twins();
  for (const [vm, repository] of [
    [two.a, 'primary'],
    [two.a, 'primary'],
    [two.b, 'other'],
    [two.b, 'other'],
  ] as const)
    expect((await two.backUp(vm, repository)).finished).toMatchObject({ exit_code: 0 });
  const { at } = two;
  await cp(at.work.path('other/web'), at.work.path('repository/web'), { recursive: true, preserveTimestamps: true });
  const imported = await two.call('repo', 'import', 'primary');
  expect(imported.exitCode, imported.stdout).toBe(3);
  expect(imported.stdout).toContain('web has restore points of 2 VMs');
  for (const name of ['a', 'b'] as const) await copyFile(await two[name].frozen(0), at.work.path(`${name}.truth`));
  return two;
}

const tree = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => !name.includes('.sendense')).toSorted();

const identities = (points: ListOutput['points']): (string | null | undefined)[] =>
  points.map(({ identity }) => identity);

describe('a second VM under a name', () => {
  test.each([true, false])(
    'is refused before anything is written, whatever hub asks (clone: %s)',
    async (sameDisks) => {
      await using two = await twins({ sameDisks });
      const { at, a, b } = two;
      expect((await two.backUp(a)).finished).toMatchObject({ exit_code: 0 });
      expect((await two.backUp(a)).finished).toMatchObject({ exit_code: 0 });
      const before = await tree(at.work.path('repository'));

      const refused = await two.backUp(b);
      expect(refused.exitCode).toBe(12);
      expect(refused.finished).toMatchObject({ status: 'failed', error: { code: 'vm.identity' } });
      expect(refused.finished.error?.message).toContain(instanceA);
      expect(refused.finished.error?.remedy).toContain(`sendense-run adopt web --identity ${instanceB}`);
      expect(await tree(at.work.path('repository'))).toEqual(before);
      expect(await b.snapshots()).toEqual([]);
      const dry = await two.call('plan', 'b-primary.yaml');
      expect(dry.exitCode, dry.stdout).toBe(12);
      expect(dry.stdout + dry.stderr).toContain('adopt web');

      // The files say it, not the database.
      await rm(at.work.path('state'), { recursive: true });
      const again = await two.backUp(b);
      expect(again.finished.error?.code).toBe('vm.identity');
      expect(await tree(at.work.path('repository'))).toEqual(before);
      expect((await two.call('repo', 'import', 'primary')).exitCode).toBe(0);
      expect((await two.backUp(a)).finished).toMatchObject({ exit_code: 0, disks: [{ mode: 'incremental' }] });
      expect(identities(await two.points())).toEqual([instanceA, instanceA]);
    },
  );

  test.each(all ? [true, false] : [true])(
    'goes on under the name once somebody has said that it is the same machine (clone: %s)',
    async (sameDisks) => {
      await using two = await twins({ sameDisks });
      const { at, a, b } = two;
      await two.backUp(a);
      expect((await two.backUp(b)).exitCode).toBe(12);

      const adopted = await two.call('adopt', 'web', '--identity', instanceB);
      expect(adopted.exitCode, adopted.stderr).toBe(0);
      expect(adopted.stdout).toContain(`before: ${instanceA}, 1 restore point`);
      const first = await two.backUp(b);
      expect(first.finished, JSON.stringify(first.finished)).toMatchObject({ exit_code: 0, disks: [{ mode: 'full' }] });
      expect(first.finished.disks?.[0]?.reason).toContain(
        `another VM has this name now: instance uuid ${instanceB}, it was ${instanceA}`,
      );
      expect((await two.backUp(b)).finished).toMatchObject({ exit_code: 0, disks: [{ mode: 'incremental' }] });
      // Retention counts all of them as one machine's.
      expect(identities(await two.points())).toEqual([instanceB, instanceB]);
      // The one that was is another one now, and for another hub, too.
      expect((await two.backUp(a)).finished.error?.code).toBe('vm.identity');
      await rm(at.work.path('state'), { recursive: true });
      expect((await two.backUp(a)).finished.error?.code).toBe('vm.identity');
    },
  );

  test('what was adopted is so for a hub that lost its database, before there is any backup', async () => {
    await using two = await twins();
    const { at, a, b } = two;
    await two.backUp(a);
    expect((await two.call('adopt', 'web', '--identity', instanceB)).exitCode).toBe(0);
    await rm(at.work.path('state'), { recursive: true });
    expect((await two.backUp(a)).finished.error?.code).toBe('vm.identity');
    expect((await two.call('repo', 'import', 'primary')).exitCode).toBe(0);
    expect(identities(await two.points())).toEqual([instanceB]);
    expect((await two.backUp(b)).finished).toMatchObject({ exit_code: 0 });
    // It can be taken back.
    expect((await two.call('adopt', 'web', '--identity', instanceA)).exitCode).toBe(0);
    expect((await two.backUp(a)).finished).toMatchObject({ exit_code: 0, disks: [{ mode: 'full' }] });
  });

  test('a copy to where the name belongs to another VM is refused', async () => {
    await using two = await twins();
    const { at, a, b } = two;
    await two.backUp(a);
    await two.backUp(b, 'other');
    const before = await tree(at.work.path('other'));
    const refused = await two.call('repo', 'copy', 'web', '--from', 'primary', '--to', 'other');
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain(`of another VM: ${instanceB}`);
    expect(await tree(at.work.path('other'))).toEqual(before);
    const moved = await two.call('repo', 'move', 'web', '--from', 'primary', '--to', 'other');
    expect(moved.exitCode).toBe(12);
    expect(await two.points()).toHaveLength(1);
  });

  test('a copy carries along what was adopted', async () => {
    await using two = await twins();
    const { a, b } = two;
    await two.backUp(a);
    expect((await two.call('repo', 'copy', 'web', '--from', 'primary', '--to', 'other')).exitCode).toBe(0);
    await two.call('adopt', 'web', '--identity', instanceB, '--repository', 'primary');
    await two.backUp(b);
    const copied = await two.call('repo', 'copy', 'web', '--from', 'primary', '--to', 'other');
    expect(copied.exitCode, copied.stderr).toBe(0);
    expect(identities(await two.points('other'))).toEqual([instanceB, instanceB]);
  });
});

describe('restore points of two VMs under one name, as an older version left them', () => {
  // Of the hub: the VMs go on.
  const kept = ['repository', 'other', 'state'];
  let two: Twins;
  beforeAll(async () => {
    two = await mixed();
    await mkdir(two.at.work.path('saved'));
    await execa('cp', ['-a', ...kept, 'saved'], { cwd: two.at.work.folder });
  }, 240_000);
  afterAll(() => two[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const name of kept) await rm(two.at.work.path(name), { recursive: true });
    await execa('cp', ['-a', ...kept.map((name) => `saved/${name}`), '.'], { cwd: two.at.work.folder });
  });

  test('are told apart by list, show and verify', async () => {
    expect(identities(await two.points())).toEqual([instanceA, instanceA, instanceB, instanceB]);
    for (const command of ['list', 'show']) {
      const { stdout } = await two.call(command, 'web', '--repository', 'primary');
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
        `web in repository primary has restore points of 2 VMs: ${instanceA} (2 points`,
      );
    }
    const ids = (await two.points()).map(({ backup_id: id }) => id);
    const verified = await two.call('--json', 'verify', '--vm', 'web', '--repository', 'primary', '--level', 'quick');
    expect(verified.stdout).toContain(`${ids[1]}`);
    expect(verified.stdout).toContain(`${ids[3]}`);
    expect(verified.exitCode, verified.stdout).toBe(0);
  });

  test('a backup builds on those of its own VM, and its retention leaves the others', async () => {
    const { at, a, b } = two;
    const [a1, a2, b1, b2] = (await two.points()).map(({ backup_id: id }) => id);
    expect((await two.backUp(a)).finished.error?.code).toBe('vm.identity');
    const next = await two.backUp(b);
    expect(next.finished).toMatchObject({ exit_code: 3, disks: [{ mode: 'incremental' }] });
    expect(next.finished.warnings?.join()).toContain(
      `2 restore points stay because they belong to another VM than ${instanceB}: ${instanceA}`,
    );
    const id = next.finished.backup_id ?? '';
    const manifest = JSON.parse(await readFile(at.work.path('repository/web', `${id}.json`), 'utf8')) as Manifest;
    expect(manifest.disks[0]?.parent).toBe(b2);
    expect((await two.points()).map(({ backup_id }) => backup_id)).toEqual([a1, a2, b2, id]);
    expect((await two.points()).some(({ backup_id }) => backup_id === b1)).toBe(false);
  });

  test('a prune counts those of the VM that the name belongs to, or of the one that is named', async () => {
    const { at } = two;
    const [a1, a2, , b2] = (await two.points()).map(({ backup_id: id }) => id);
    await at.work.write('prune.yaml', 'kind: prune\nname: prune\nrepository: primary\nretention: { last: 1 }\n');
    const shown = await two.call('prune', '--plan', 'prune.yaml', '--dry-run');
    expect(shown.stdout.replaceAll(/\s+/g, ' ')).toContain(`of another VM: ${instanceA}`);
    const pruned = await at.run('prune.yaml');
    expect(pruned.finished).toMatchObject({ exit_code: 3 });
    expect((await two.points()).map(({ backup_id }) => backup_id)).toEqual([a1, a2, b2]);
    await at.work.write(
      'prune-a.yaml',
      `kind: prune\nname: prune-a\nrepository: primary\nidentity: ${instanceA}\nretention: { last: 1 }\n`,
    );
    expect((await at.run('prune-a.yaml')).finished).toMatchObject({ exit_code: 0 });
    expect((await two.points()).map(({ backup_id }) => backup_id)).toEqual([a2, b2]);
    // Said to be one machine, they are counted as one.
    expect((await two.call('adopt', 'web', '--identity', instanceB, '-r', 'primary')).exitCode).toBe(0);
    expect((await at.run('prune.yaml')).finished).toMatchObject({ exit_code: 0 });
    expect((await two.points()).map(({ backup_id }) => backup_id)).toEqual([b2]);
  });

  test('the newest one is not restored before somebody has said of which VM', async () => {
    const { at } = two;
    const [a1] = (await two.points()).map(({ backup_id: id }) => id);
    const restore = (...args: string[]) => two.call('restore', 'web', '-r', 'primary', ...args);
    const refused = await restore('--to', './any');
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain(instanceA);
    expect(refused.stderr).toContain(instanceB);
    expect(await readdir(at.work.path('any')).catch(() => [])).toEqual([]);
    for (const [name, instance, folder] of [
      ['a', instanceA, 'as-a'],
      ['b', instanceB, 'as-b'],
    ] as const) {
      const done = await restore('--identity', instance, '--to', `./${folder}`);
      expect(done.exitCode, done.stderr).toBe(0);
      expect(await sameBytes(at.work.path(folder, 'disk-0.raw'), at.work.path(`${name}.truth`))).toBe(true);
    }
    expect((await restore('--point', a1 ?? '', '--to', './named')).exitCode).toBe(0);
    const nobody = await restore('--identity', 'nobody', '--to', './nobody');
    expect(nobody.stderr).toContain('has no restore point of nobody');
  });
});

test('plans that are written for VMs of one name in two vCenters have distinct names, and both run', async () => {
  await using second = await startVcenter();
  await using at = await vsphereWorkspace({
    settings: [
      '  second-vcenter:',
      '    type: vsphere',
      `    host: ${second.host}:${second.port}`,
      `    user: ${second.user}`,
      '    password: { secret: { file: ./vcenter.password } }',
      `    thumbprint: '${second.thumbprint}'`,
      '    transports: [https]',
    ],
  });
  const disks = [{ capacity: MiB, content: Buffer.from('one') }];
  await at.vcenter.addVm({ name: 'web', instanceUuid: instanceA, cbt: true, disks });
  await second.addVm({ name: 'web', instanceUuid: instanceB, cbt: true, disks });
  for (const source of ['test-vcenter', 'second-vcenter']) {
    const written = await at.work.call(['discover', source, '--vm', 'web', '--write-plan']);
    expect(written.exitCode, written.stderr).toBe(0);
  }
  const plans = (await readdir(at.work.folder)).filter((name) => name.endsWith('-nightly.yaml')).toSorted();
  expect(plans).toEqual(['web-nightly.yaml', 'web-second-vcenter-nightly.yaml']);
  const valid = await at.work.call(['validate', ...plans]);
  expect(valid.exitCode, valid.stdout).toBe(0);
  for (const plan of plans) expect((await at.run(plan)).finished, plan).toMatchObject({ status: 'succeeded' });
  // What is in the repository counts as well: the plans may be elsewhere.
  for (const plan of plans) await rm(at.work.path(plan));
  await at.work.call(['discover', 'second-vcenter', '--vm', 'web', '--write-plan', 'again.yaml']);
  expect(await readFile(at.work.path('again.yaml'), 'utf8')).toMatch(/name: web-second-vcenter$/m);
});

test('a VM of a group that was made anew gets a name of its own, and the user is told how to go on under the old one', async () => {
  await using two = await twins();
  const { at, a } = two;
  await two.backUp(a);
  await at.work.write(
    'group.yaml',
    `kind: group\nname: g\nmembers: [{ folder: ${two.b.path.replace(/\/web$/, '')} }]\nrepository: primary\n`,
  );
  const first = await at.run('group.yaml');
  expect(first.finished.runs).toMatchObject([
    { status: 'succeeded', context: expect.stringMatching(/^web-[0-9a-f]{8}$/) },
  ]);
  expect(first.stdout).toContain(`sendense-run adopt web --identity ${instanceB}`);
  const second = await at.run('group.yaml');
  expect(second.finished).toMatchObject({ exit_code: 0 });
});

test('two plans of images under one name are refused as well, but one plan may get other disks', async () => {
  await using work = await workspace();
  const plan = (name: string, disk: string): Promise<void> =>
    work.write(
      `${name}.yaml`,
      backupPlan([disk], 'retention: { last: 1 }\n')
        .replace('pgtest1-nightly', name)
        .replaceAll('name: pgtest1\n', 'name: web\n'),
    );
  for (const disk of ['a', 'b', 'c']) await makeRaw(work.path(`${disk}.raw`), MiB, [[0, 65536]]);
  await plan('one', 'a.raw');
  await plan('two', 'b.raw');
  expect((await work.run('one.yaml')).finished).toMatchObject({ exit_code: 0 });
  const refused = await work.run('two.yaml');
  expect(refused.finished).toMatchObject({ exit_code: 12, error: { code: 'vm.identity' } });
  expect(refused.finished.error?.message).toContain('of plan one');
  // As before: the plan decides what its VM is.
  await plan('one', 'c.raw');
  const other = await work.run('one.yaml');
  expect(other.finished.disks).toMatchObject([{ mode: 'full' }]);
  expect(other.finished.error).toBe(null);

  const [, uuid = ''] = /--identity (\S+)/.exec(refused.finished.error?.remedy ?? '') ?? [];
  expect((await work.call(['adopt', 'web', '--identity', uuid])).exitCode).toBe(0);
  const adopted = await work.run('two.yaml');
  expect(adopted.finished).toMatchObject({ error: null, disks: [{ mode: 'full' }] });
  expect((await work.run('two.yaml')).finished).toMatchObject({ exit_code: 0, disks: [{ mode: 'incremental' }] });
  expect((await work.run('one.yaml')).finished.error?.code).toBe('vm.identity');
  // Nobody can say that of a VM which is not there, nor without saying what it is now.
  expect((await work.call(['adopt', 'nobody', '--identity', uuid])).exitCode).toBe(1);
  expect((await work.call(['adopt', '../web', '--identity', uuid])).exitCode).toBe(2);
  expect((await work.call(['adopt', 'web'])).exitCode).toBe(2);
});
