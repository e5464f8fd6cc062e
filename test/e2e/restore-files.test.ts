import { execa } from 'execa';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ListOutput, PointsFilesOutput, RunEvent } from '../../src/schemas/types.ts';
import { packageRoot } from '../../src/schemas/validator.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { verificationsOf } from '../../src/state/points/point-marks.ts';
import { testProgram } from '../programs.ts';
import { all as atFullLength } from '../support/rounds.ts';
import { canMount } from '../support/loop-mount.ts';
import { smallDisk } from '../support/small-disk.ts';
import { makeFilesDisk } from './files-disk.ts';
import { leftovers } from './nothing-left.ts';
import { backupPlan, defaultSettings, workspace, type RunOutcome, type Workspace } from './workspace.ts';

const patience = { timeout: 200_000 };

let bench: Workspace;

/** A VM with a small ext4, whose backup is made. */
const smallVm = `
set -e
cd "$1"
rm -rf small && mkdir -p small/etc && printf '%s\\n' "$2" > small/etc/hostname
truncate -s 8M "$2.raw" && mkfs.ext4 -q -F -d small "$2.raw"
[ "$2" != bad1 ] || debugfs -w -R 'clri <2>' bad1.raw 2> /dev/null
`;

beforeAll(async () => {
  bench = await workspace();
  await makeFilesDisk(bench.folder, 'two');
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  await done('plan.yaml');
  for (const vm of ['web1', 'web2', 'bad1']) {
    await execa('sh', ['-c', smallVm, 'sh', bench.folder, vm]);
    await bench.write(`${vm}.yaml`, backupPlan([`${vm}.raw`]).replaceAll('pgtest1', vm));
    await done(`${vm}.yaml`);
  }
}, 300_000);

afterEach(async () => {
  const left = leftovers(bench.folder);
  if (left.length > 0) throw new Error(left.join('\n'));
  await rm(bench.path('restored'), { recursive: true, force: true });
});

afterAll(() => bench[Symbol.asyncDispose]());

async function done(plan: string, exitCode = 0): Promise<RunOutcome> {
  const outcome = await bench.run(plan);
  expect(outcome.finished.exit_code, JSON.stringify(outcome.finished.error)).toBe(exitCode);
  return outcome;
}

const plan = (more: string, to = '{ directory: ./restored }'): string => `kind: restore
name: some-files
vm: { name: pgtest1 }
repository: primary
${to === '' ? '' : `to: ${to}\n`}${more}`;

async function restore(more: string, exitCode = 0): Promise<RunOutcome> {
  await bench.write('files.yaml', plan(more));
  return done('files.yaml', exitCode);
}

const outputOf = <T>({ events }: { readonly events: readonly RunEvent[] }, id: string): T => {
  const found = events.find((event) => event.type === 'step.succeeded' && event.step === id);
  if (found?.type !== 'step.succeeded') throw new Error(`step ${id} has not succeeded`);
  return found.output as unknown as T;
};

const names = (folder: string): string[] =>
  readdirSync(bench.path(folder), { encoding: 'latin1', recursive: true }).toSorted();

describe('files in a plan', () => {
  it(
    'are taken by their whole paths, with what they have, and nothing that is there is replaced',
    patience,
    async () => {
      const places =
        "files: [/etc, '/srv/**/f[12fi]*', '/srv/caf?', '/srv/new*', /srv/sparse]\nexclude: [key, /etc/none]\n";
      const expect_ =
        'expect: [{ file: /etc/hostname, sameAs: tree/etc/hostname }, { file: "disk-0p1:/srv/big", minSize: 1MiB }]\n';
      const outcome = await restore(places + expect_);
      expect(names('restored')).toEqual(
        ['etc', 'etc/hostname', 'etc/out', 'srv', 'srv/caf\xe9', 'srv/deep', 'srv/deep/f1', 'srv/fifo', 'srv/new\nline']
          .concat('srv/sparse')
          .toSorted(),
      );
      expect(readFileSync(bench.path('restored/etc/hostname'), 'utf8')).toBe('web1\n');
      const sparse = lstatSync(bench.path('restored/srv/sparse'));
      expect([sparse.size, sparse.blocks * 512 < 1024 * 1024]).toEqual([41_943_040, true]);
      expect(lstatSync(bench.path('restored/srv')).mtime.toISOString()).toBe('2001-02-03T04:05:06.000Z');
      expect(outputOf(outcome, 'name')).toMatchObject({ files: 7, left_out: [] });
      expect(outputOf(outcome, 'expect')).toEqual({ checked: 2 });

      const again = await done('files.yaml', 1);
      expect(again.finished.error).toMatchObject({ code: 'file.exists' });
      expect(again.finished.error?.remedy).toContain('overwrite: true');
      await writeFile(bench.path('restored/etc/kept'), 'kept');
      await writeFile(bench.path('restored/etc/hostname'), 'changed');
      await restore('files: [/etc/hostname, /srv/added]\noverwrite: true\n');
      expect(readFileSync(bench.path('restored/etc/hostname'), 'utf8')).toBe('web1\n');
      expect(readFileSync(bench.path('restored/etc/kept'), 'utf8')).toBe('kept');
      expect(existsSync(bench.path('restored/srv/added'))).toBe(true);
    },
  );

  it('of an encrypted volume come with its passphrase', patience, async () => {
    await chmod(bench.path('words'), 0o600);
    await chmod(bench.path('wrong'), 0o600);
    const files = "files: ['disk-0p2:/hostname']\n";
    const locked = await restore(files, 12);
    expect(locked.finished.error).toMatchObject({ code: 'files.locked' });
    expect(locked.finished.error?.remedy).toContain('passphrase:');
    const wrong = await restore(`${files}passphrase: { secret: { file: wrong } }\n`, 12);
    expect(wrong.finished.error).toMatchObject({ code: 'files.locked' });
    const right = await restore(`${files}passphrase: { secret: { file: words } }\n`);
    expect(names('restored')).toEqual(['hostname']);
    for (const { stdout } of [locked, wrong, right]) expect(stdout).not.toMatch(/the (right|wrong) words/);
  });
});

/** Programs of FUSE read ext as well, and start sooner than a kernel does. At full length a kernel reads everything. */
const byPrograms = (): void => {
  if (atFullLength) return;
  beforeAll(() => bench.write('sendense.yaml', `${defaultSettings}files: { reader: programs }\n`));
  afterAll(() => bench.write('sendense.yaml', defaultSettings));
};

describe('files in a plan that are read without a kernel', () => {
  byPrograms();

  it('that are not there fail the run; a pattern that nothing fits is a warning', patience, async () => {
    const missing = await restore('files: [/etc/hostname, /etc/none]\n', 1);
    expect(missing.finished.error).toMatchObject({ code: 'files.path' });
    expect(missing.finished.error?.message).toContain('/etc/none');
    const none = await restore("files: ['/etc/*.none']\n", 1);
    expect(none.finished.error).toMatchObject({ code: 'files.path' });
    expect(existsSync(bench.path('restored'))).toBe(false);
    const some = await restore("files: ['/etc/*.none', /etc/hostname]\n", 3);
    expect(some.finished.warnings.join()).toContain('/etc/*.none: nothing fits');
    expect(names('restored')).toEqual(['etc', 'etc/hostname']);
  });

  it.runIf(canMount)('on a disk that is full leave nothing', patience, async () => {
    await using _disk = await smallDisk(bench.path('small'), 'size=1m,nr_inodes=12');
    await bench.write('files.yaml', plan('files: [/srv/big]\n', '{ directory: ./small/out }'));
    expect((await done('files.yaml', 1)).finished.error).toMatchObject({ code: 'disk.full' });
    // Found out while it writes: there is room for the bytes, but not for the names.
    await bench.write('files.yaml', plan('files: [/etc, /srv/deep, /srv/fifo]\n', '{ directory: ./small/out }'));
    expect((await done('files.yaml', 1)).finished.error).toMatchObject({ code: 'disk.full' });
    expect(readdirSync(bench.path('small'))).toEqual([]);
  });
});

describe('what files have to be', () => {
  byPrograms();

  it('fails the run with both digests, and nothing is restored', patience, async () => {
    await writeFile(bench.path('other'), 'web9\n');
    const outcome = await restore(
      'files: [/etc]\nexpect: [{ file: /etc/hostname, sameAs: other }, { file: /etc/none }]\n',
      1,
    );
    const { code, message } = outcome.finished.error ?? { code: '', message: '' };
    expect(code).toBe('files.unexpected');
    expect(message).toMatch(/\/etc\/hostname has SHA-256 [0-9a-f]{64}, and \S+\/other has [0-9a-f]{64}; \/etc\/none: /);
    expect(existsSync(bench.path('restored'))).toBe(false);
  });

  it('can be all that a plan is about', patience, async () => {
    const sha = '5d2b8d9d3d9bd2ac4e6ca4a4dcd7bb0b0f5bb4a9e8d3a8b3c3a6d0f6c1a7e2f9';
    await bench.write('look.yaml', plan(`expect: [{ file: /etc/hostname, sha256: '${sha}' }]\n`, ''));
    expect((await done('look.yaml', 1)).finished.error?.message).toMatch(
      new RegExp(`has SHA-256 [0-9a-f]{64}, not ${sha}$`),
    );
    const steps = (await bench.call(['plan', 'look.yaml'])).stdout;
    expect(steps).toContain('files.expect');
    expect(steps).not.toContain('files.take');
  });
});

describe('a run that is killed', () => {
  byPrograms();

  const killed = testProgram('e2e/killed-run-child');
  it.each([
    ['files.take', 'after', false],
    ['files.publish', 'after', true],
  ] as const)('at %s, %s its effect, leaves nothing or all', patience, async (uses, when, all) => {
    await bench.write('files.yaml', plan('files: [/etc]\n'));
    const child = await execa(process.execPath, [killed, bench.path('files.yaml'), uses, when], { reject: false });
    expect(child.signal, child.stderr).toBe('SIGKILL');
    expect((await bench.call(['recover'])).exitCode).toBe(0);
    expect(existsSync(bench.path('restored'))).toBe(all);
    if (all) expect(names('restored')).toEqual(['etc', 'etc/hostname', 'etc/key', 'etc/out']);
  });
});

describe('verify --files', () => {
  async function verified(
    args: readonly string[],
    exitCode: number,
  ): Promise<{ readonly opened: PointsFilesOutput['opened']; readonly stdout: string }> {
    const { stdout, stderr, exitCode: status } = await bench.call(['--json', ...args]);
    expect(status, stderr).toBe(exitCode);
    const events = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as RunEvent);
    return { opened: outputOf<PointsFilesOutput>({ events }, 'files').opened, stdout };
  }

  it('opens every file system; what is encrypted is a remark, what is damaged a failure', patience, async () => {
    const vms = ['pgtest1', 'bad1'].flatMap((vm) => ['--vm', vm]);
    const { opened, stdout } = await verified(['verify', '--level', 'quick', '--files', ...vms], 1);
    const of = (vm: string) => opened.find((one) => one.vm === vm);
    expect(of('pgtest1')).toMatchObject({ ok: true, volumes: ['disk-0p1 (ext4)'], problems: [] });
    expect(of('pgtest1')?.remarks.join()).toMatch(/disk-0p2 is encrypted/);
    expect(of('bad1')).toMatchObject({ ok: false });
    expect(stdout).toContain('verify.failed');
    using state = openState(bench.path('state/sendense.db'), { readOnly: true });
    const found = [...verificationsOf(state, {})].flatMap(([key, list]) =>
      list.filter(({ level }) => level === 'files').map(({ ok }) => `${key.split('/')[0]} ${ok}`),
    );
    expect(found.toSorted()).toEqual(['bad1 false', 'pgtest1 true']);
  });

  it('opens an encrypted volume with its passphrase; `list` and `show` say what was found', patience, async () => {
    for (const name of ['words', 'wrong']) await chmod(bench.path(name), 0o600);
    const ask = ['verify', '--level', 'quick', '--files', '--vm', 'pgtest1', '--passphrase-file'];
    const right = await verified([...ask, 'words'], 0);
    expect(right.opened[0]?.volumes).toContainEqual(expect.stringMatching(/^disk-0p2\S* \(ext4\)$/));
    const wrong = await verified([...ask, 'wrong'], 3);
    expect(wrong.opened).toMatchObject([{ ok: true, volumes: ['disk-0p1 (ext4)'] }]);
    for (const { stdout } of [right, wrong]) expect(stdout).not.toMatch(/the (right|wrong) words/);
    expect((await bench.call(['list', 'pgtest1'])).stdout).toMatch(/VERIFIED[^]*quick, files/);
    expect((await bench.call(['show', 'pgtest1'])).stdout).toMatch(/verified: quick \S+ \S+, files \S+/);
    const [point] = (JSON.parse((await bench.call(['list', 'pgtest1', '--json'])).stdout) as ListOutput).points;
    expect(point?.verifications?.map(({ level, ok }) => [level, ok])).toEqual([
      ['quick', true],
      ['files', true],
    ]);
  });

  describe('without a kernel', () => {
    byPrograms();

    it('the example of every Sunday reads the host name of each VM and compares it', patience, async () => {
      const folder = join(packageRoot, 'examples/files');
      await cp(join(folder, 'hostnames'), bench.path('hostnames'), { recursive: true });
      const text = await readFile(join(folder, 'sunday-hostnames.yaml'), 'utf8');
      await bench.write('sunday.yaml', `${text}vms: [web1, web2]\n`);
      const { opened } = await verified(['run', 'sunday.yaml'], 0);
      expect(opened.map(({ vm, ok, checked }) => [vm, ok, checked])).toEqual([
        ['web1', true, 1],
        ['web2', true, 1],
      ]);
      await writeFile(bench.path('hostnames/web2'), 'web1\n');
      const wrong = await verified(['run', 'sunday.yaml'], 1);
      expect(wrong.opened.find(({ vm }) => vm === 'web2')?.problems.join()).toMatch(
        /^\/etc\/hostname has SHA-256 [0-9a-f]{64}, and \S+hostnames\/web2 has [0-9a-f]{64}$/,
      );
    });
  });
});
