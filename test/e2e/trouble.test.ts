import { execa } from 'execa';
import { chmod, copyFile, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckOutput } from '../../src/schemas/types.ts';
import { leftovers } from './nothing-left.ts';
import { startNode } from '../../src/node/start-node.ts';
import {
  backupPlan,
  defaultSettings,
  disksOf,
  incrementalPlan,
  makeRaw,
  program,
  restorePlan,
  sameBytes,
  sameContent,
  workspace,
  writeAt,
  type RunOutcome,
  type Workspace,
} from './workspace.ts';
import { stagedWorkspace, type StagedWorkspace } from './staged-workspace.ts';
import { randomBytes } from '../support/random.ts';
import { rounds } from '../support/rounds.ts';

const MiB = 1024 * 1024;

async function oneDisk(work: Workspace): Promise<void> {
  await makeRaw(work.path('a.raw'), 4 * MiB, [[0, 2 * MiB]]);
  await work.write('plan.yaml', backupPlan(['a.raw']));
}

let staged: StagedWorkspace;
let firstRun: RunOutcome;

beforeAll(async () => {
  staged = await stagedWorkspace();
  await oneDisk(staged.work);
  firstRun = await staged.work.run('plan.yaml');
  if (firstRun.exitCode !== 0) throw new Error(firstRun.stderr);
  await staged.keep('backed-up');
}, 300_000);
afterAll(() => staged[Symbol.asyncDispose]());

/** One disk with its first backup. */
const backedUp = (): Promise<Workspace> => staged.backTo('backed-up');

/** A file system of its own, gone at the end. */
async function tmpfs(folder: string, size: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder]);
  return { [Symbol.asyncDispose]: async () => void (await execa('umount', [folder])) };
}

/** One that a test beside this one holds already is as good. */
async function holdPort(port: number): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve, reject) =>
    server
      .once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve() : reject(error)))
      .listen(port, '127.0.0.1', resolve),
  );
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** A workspace whose plans go over ports of the loopback: to a node that is a program of its own. */
async function withFarNode(settings = ''): Promise<Workspace & { readonly plan: string }> {
  const stack = new AsyncDisposableStack();
  const work = stack.use(await workspace({ ownProcess: true }));
  const token = randomBytes(16).toString('hex');
  const node = stack.use(
    await startNode({ listen: { host: '127.0.0.1', port: 0 }, stateDir: work.path('node'), token, metrics: false }),
  );
  await work.write('token', token);
  await work.write(
    'sendense.yaml',
    `${defaultSettings}${settings}nodes:
  far: { mode: direct, url: '${node.url}', token: { secret: { file: ./token } } }
`,
  );
  return { ...work, plan: 'node: far\n', [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const findings = async (work: Workspace): Promise<CheckOutput> =>
  JSON.parse((await work.call(['check', '--json'])).stdout) as CheckOutput;

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  await chmod(path, 0o644);
  await writeAt(path, [offset, bytes]);
}

describe('a repository on a full disk', () => {
  test('fails clearly, commits nothing, and keeps the old restore points', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    await using _disk = await tmpfs(work.path('repository'), '12m');
    await oneDisk(work);
    const first = await work.run('plan.yaml');
    expect(first.finished.exit_code).toBe(0);
    await copyFile(work.path('a.raw'), work.path('kept.raw'));

    await makeRaw(work.path('b.raw'), 40 * MiB, [[0, 30 * MiB]]);
    await work.write('big.yaml', backupPlan(['a.raw', 'b.raw']));
    const full = await work.run('big.yaml');
    expect(full.finished).toMatchObject({ status: 'failed', exit_code: 1, error: { code: 'repository.full' } });
    expect(full.finished.error?.message).toMatch(/needs about 3[0-9.]+ MiB.*MiB free/);
    expect(leftovers(work.folder).filter((found) => !found.startsWith('mount'))).toEqual([]);

    // How much of it changed is only known when it was read.
    await makeRaw(work.path('c.raw'), 40 * MiB, [[0, MiB]]);
    await work.write('grows.yaml', backupPlan(['a.raw', 'c.raw']));
    const g0 = await work.run('grows.yaml');
    expect(g0.finished.exit_code, JSON.stringify(g0.finished.error)).not.toBe(1);
    await makeRaw(work.path('c.raw'), 40 * MiB, [[0, 30 * MiB]]);
    const grown = await work.run('grows.yaml');
    expect(grown.finished).toMatchObject({ status: 'failed', exit_code: 1, error: { code: 'disk.full' } });
    expect(grown.finished.error?.message).toMatch(/space/i);
    expect(leftovers(work.folder).filter((found) => !found.startsWith('mount'))).toEqual([]);

    await writeAt(work.path('a.raw'), [MiB, randomBytes(10)]);
    // With a warning: the VM has lost a disk.
    expect((await work.run('plan.yaml')).finished.status).toBe('succeeded');
    await work.write('restore.yaml', restorePlan('./out', `point: ${first.finished.backup_id}\n`));
    expect((await work.run('restore.yaml')).finished.exit_code).toBe(0);
    expect(await sameBytes(work.path('out/disk-0.raw'), work.path('kept.raw'))).toBe(true);
  });

  test(
    'above a quota while it writes: ended, nothing is left, and a larger quota lets it go on',
    { timeout: 300_000 },
    async () => {
      const settings = (quota: string): string =>
        `version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository, quota: ${quota} }\n`;
      await using work = await workspace({ settings: settings('12MiB') });
      await makeRaw(work.path('a.raw'), 40 * MiB, [[0, MiB]]);
      await work.write('plan.yaml', backupPlan(['a.raw']));
      expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
      // How much of it changed is only known when it was read.
      await writeAt(work.path('a.raw'), [4 * MiB, randomBytes(20 * MiB)]);
      const grown = await work.run('plan.yaml');
      expect(grown.finished).toMatchObject({ status: 'failed', exit_code: 1, error: { code: 'repository.quota' } });
      expect(grown.finished.error?.message).toMatch(/of the quota of repository primary \(12\.0 MiB\)/);
      expect(leftovers(work.folder)).toEqual([]);
      expect((await findings(work)).findings).toEqual([]);

      await work.write('sendense.yaml', settings('40MiB'));
      const next = await work.run('plan.yaml');
      expect(next.finished.exit_code).toBe(0);
      expect(disksOf(next)[0]).toMatchObject({ mode: 'incremental', bytes_transferred: 20 * MiB });
    },
  );

  test('a restore onto a full disk removes what it wrote and says how much is free', { timeout: 300_000 }, async () => {
    const work = await backedUp();
    await using _disk = await tmpfs(work.path('small'), '1m');
    await work.write('restore.yaml', restorePlan('./small/out'));
    const outcome = await work.run('restore.yaml');
    expect(outcome.finished).toMatchObject({ status: 'failed', error: { code: 'disk.full' } });
    expect((await execa('ls', ['-A', work.path('small')])).stdout).toBe('');
  });
});

describe('damage', () => {
  test(
    'a qcow2 whose data was changed is found and named, and auto starts a new chain with the reason',
    { timeout: 300_000 },
    async () => {
      const work = await backedUp();
      await writeAt(work.path('a.raw'), [3 * MiB, randomBytes(10)]);
      const second = await work.run('plan.yaml');
      const file = disksOf(firstRun)[0]?.path ?? '';
      expect((await findings(work)).findings).toEqual([]);

      await overwrite(file, 0x60000, randomBytes(512));
      const found = await findings(work);
      expect(found.ok).toBe(false);
      expect(found.findings.map((finding) => [finding.code, finding.backup_id])).toEqual([
        ['content.mismatch', firstRun.finished.backup_id],
        ['chain.broken', second.finished.backup_id],
      ]);
      await work.write('incremental.yaml', incrementalPlan(['a.raw']));
      expect((await work.run('incremental.yaml')).finished).toMatchObject({
        exit_code: 1,
        error: { code: 'chain.no-parent' },
      });
      const third = await work.run('plan.yaml');
      expect(disksOf(third)[0]).toMatchObject({
        mode: 'full',
        reason: expect.stringContaining('content of') as string,
      });
      expect(await sameContent(disksOf(third)[0]?.path ?? '', work.path('a.raw'))).toBe(true);
      await work.write('restore.yaml', restorePlan('./out', `point: ${second.finished.backup_id}\n`));
      expect((await work.run('restore.yaml')).finished).toMatchObject({
        exit_code: 1,
        error: { code: 'content.mismatch' },
      });
    },
  );

  test('a file that was only touched is compared and used on', { timeout: 300_000 }, async () => {
    const work = await backedUp();
    await utimes(disksOf(firstRun)[0]?.path ?? '', new Date(), new Date());
    const second = await work.run('plan.yaml');
    expect(disksOf(second)[0]?.mode).toBe('incremental');
    expect(second.stdout).toContain('comparing the content');
    expect((await work.run('plan.yaml')).stdout).not.toContain('comparing the content');
  });

  test('a missing parent and a damaged manifest are named', { timeout: 300_000 }, async () => {
    const work = await backedUp();
    const second = await work.run('plan.yaml');
    const manifest = work.path('repository/pgtest1', `${second.finished.backup_id}.json`);
    const text = await readFile(manifest, 'utf8');
    await chmod(manifest, 0o644);
    await writeFile(manifest, text.replace('"bytes_transferred": 0', '"bytes_transferred": 1'));
    expect((await findings(work)).findings.map((finding) => finding.code)).toEqual(['manifest.damaged']);
    await writeFile(manifest, text);
    await rm(disksOf(firstRun)[0]?.path ?? '');
    const found = await findings(work);
    expect(found.findings.map((finding) => finding.code)).toEqual(['file.missing', 'chain.broken']);
    const third = await work.run('plan.yaml');
    expect(disksOf(third)[0]).toMatchObject({ mode: 'full', reason: expect.stringContaining('is missing') as string });
  });

  test('a repository that is not mounted is refused instead of begun anew', { timeout: 300_000 }, async () => {
    const work = await backedUp();
    await rm(work.path('repository'), { recursive: true });
    await mkdir(work.path('repository'));
    const outcome = await work.run('plan.yaml');
    expect(outcome.finished).toMatchObject({ exit_code: 1, error: { code: 'repository.unusable' } });
  });
});

describe('several runs', () => {
  test(
    'two runs of one VM at once: the second is refused with the owner named, and its plan runs later',
    { timeout: 300_000 },
    async () => {
      await using work = await workspace();
      await oneDisk(work);
      const waiting = "after:\n  - run: [sh, -c, 'while [ ! -e go ]; do sleep 0.05; done']\n";
      await work.write('slow.yaml', backupPlan(['a.raw'], waiting));
      const slow = execa(process.execPath, [program, '--json', 'run', 'slow.yaml'], {
        cwd: work.folder,
        reject: false,
      });
      const { promise: locked, resolve } = Promise.withResolvers<void>();
      slow.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('step.started') && resolve());
      await locked;
      const refused = await work.run('plan.yaml');
      expect(refused.finished).toMatchObject({ status: 'failed', exit_code: 11, error: { code: 'run.locked' } });
      expect(refused.finished.error?.message).toContain(`pid ${slow.pid}`);
      await work.write('go', '');
      expect((await slow).exitCode).toBe(0);
      expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
    },
  );

  const count = rounds(5, 20);
  test(`${count} VMs at once over 101 ports, some of them held by other programs`, { timeout: 300_000 }, async () => {
    await using work = await withFarNode();
    await using _first = await holdPort(10100);
    await using _second = await holdPort(10107);
    await makeRaw(work.path('a.raw'), MiB, [[0, MiB]]);
    await makeRaw(work.path('b.raw'), MiB, [[0, 1000]]);
    const names = Array.from({ length: count }, (_item, index) => `vm${index}`);
    for (const name of names)
      await work.write(
        `${name}.yaml`,
        backupPlan([work.path('a.raw'), work.path('b.raw')], work.plan).replaceAll('pgtest1', name),
      );
    const outcomes = await Promise.all(names.map((name) => work.run(`${name}.yaml`)));
    expect(outcomes.map(({ finished }) => finished.error?.message ?? finished.status)).toEqual(
      names.map(() => 'succeeded'),
    );
    for (const outcome of outcomes)
      expect(await sameContent(disksOf(outcome)[1]?.path ?? '', work.path('b.raw'))).toBe(true);
    expect(leftovers(work.folder)).toEqual([]);
    const list = JSON.parse((await work.call(['list', '--json'])).stdout) as { points: object[] };
    expect(list.points).toHaveLength(count);
  });

  test(
    'too few ports are a clear error that can be tried again, and a wait gets through',
    { timeout: 300_000 },
    async () => {
      await using work = await withFarNode('ports: { from: 10190, to: 10190, wait: 0s }\n');
      await oneDisk(work);
      await work.write('plan.yaml', backupPlan([work.path('a.raw')], work.plan));
      {
        await using _held = await holdPort(10190);
        const outcome = await work.run('plan.yaml');
        expect(outcome.finished).toMatchObject({ exit_code: 75, error: { code: 'ports.exhausted' } });
      }
      expect((await work.run('plan.yaml')).finished.exit_code).toBe(0);
    },
  );
});

describe('what a plan brings of its own', () => {
  test(
    'commands before and after, with values of any characters in their environment',
    { timeout: 300_000 },
    async () => {
      await using work = await workspace();
      await oneDisk(work);
      await work.write('secret', 'canary-7f3a\n');
      await work.write(
        'commands.yaml',
        backupPlan(
          ['a.raw'],
          `before:
  - run: [sh, -c, 'printf "%s" "$ODD" > odd; printf "%s" "$TOKEN" | wc -c > length; echo "$TOKEN"']
    env: { ODD: "it's \\"\${{ plan.name }}\\" $(date) \`x\`; rm -rf", TOKEN: { secret: { file: secret } } }
after:
  - run: [sh, -c, 'echo "$POINT" > point']
    env: { POINT: "\${{ steps.commit.backup_id }}" }
  - run: [touch, failed]
    if: failure()
`,
        ),
      );
      const outcome = await work.run('commands.yaml');
      expect(outcome.finished).toMatchObject({ exit_code: 0 });
      expect(await readFile(work.path('odd'), 'utf8')).toBe('it\'s "pgtest1-nightly" $(date) `x`; rm -rf');
      expect((await readFile(work.path('length'), 'utf8')).trim()).toBe('11');
      expect((await readFile(work.path('point'), 'utf8')).trim()).toBe(outcome.finished.backup_id);
      expect((await execa('ls', ['-A', work.folder])).stdout).not.toContain('failed');
      expect(outcome.stdout + outcome.stderr).not.toContain('canary-7f3a');
      expect(
        (await execa('grep', ['-c', 'canary-7f3a', work.path('state/sendense.db')], { reject: false })).stdout.trim(),
      ).toBe('0');
    },
  );

  test(
    'a failing command fails the run with its place in the plan, and nothing is left',
    { timeout: 300_000 },
    async () => {
      await using work = await workspace();
      await oneDisk(work);
      await work.write(
        'failing.yaml',
        backupPlan(['a.raw'], "before:\n  - run: [sh, -c, 'echo no such luck >&2; exit 3']\n"),
      );
      const outcome = await work.run('failing.yaml');
      expect(outcome.finished).toMatchObject({
        status: 'failed',
        exit_code: 1,
        error: { code: 'command.failed', position: { line: 12 } },
      });
      expect(outcome.finished.error?.message).toContain('no such luck');
      expect(leftovers(work.folder)).toEqual([]);
    },
  );
});

test.each(['qcow2', 'raw'])(
  'a source that another program writes to is refused, unless the plan knows better: %s',
  { timeout: 300_000 },
  async (format) => {
    await using work = await workspace();
    const image = `busy.${format}`;
    await execa('qemu-img', ['create', '-q', '-f', format, work.path(image), '4M']);
    await work.write('plan.yaml', backupPlan([image]));
    const writer = execa('qemu-nbd', ['--persistent', `--socket=${work.path('s')}`, '-f', format, work.path(image)], {
      reject: false,
    });
    try {
      await expect
        .poll(
          async () =>
            (await execa('nbdinfo', ['--size', `nbd+unix:///?socket=${work.path('s')}`], { reject: false })).exitCode,
          { timeout: 300_000 },
        )
        .toBe(0);
      const refused = await work.run('plan.yaml');
      expect(refused.finished).toMatchObject({ status: 'failed', error: { code: 'source.busy' } });
      await work.write('plan.yaml', backupPlan([`${image}\n        allowInUse: true`]));
      expect((await work.run('plan.yaml')).finished.status).toBe('succeeded');
    } finally {
      writer.kill();
      await writer;
    }
  },
);
