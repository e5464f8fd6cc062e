import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { AnyStep } from '../../src/engine/step.ts';
import type {
  BackupCommitOutput,
  ChainDecideOutput,
  NbdServeOutput,
  NodeInspectOutput,
  NodeTransferOutput,
  PointSelectOutput,
  PortsAllocateOutput,
  Qcow2CreateOutput,
  Qcow2SealOutput,
  RestorePublishOutput,
  RestoreVerifyOutput,
  RestoreWriteOutput,
} from '../../src/schemas/types.ts';
import { stepRegistry } from '../../src/steps/index.ts';
import type { Services } from '../../src/steps/services.ts';
import { makeRaw, MiB, sameContent, writeInto } from '../host/disk-images.ts';
import { backup, vmOf } from './backup-run.ts';
import { listing, stepBench, type Ran, type StepBench } from './step-bench.ts';

const step = (uses: string): AnyStep<Services> => {
  const found = stepRegistry.get(uses);
  if (!found) throw new Error(`no step ${uses}`);
  return found;
};

interface Walked<O> {
  readonly uses: string;
  readonly ran: Ran<O>;
}

/**
 * One step, as every step must behave: plan and an undo of nothing change nothing; run twice gives what run once gives;
 * undo takes back what run made; and after that it runs again.
 */
async function walk<O>(
  bench: StepBench,
  uses: string,
  input: object,
  how: { run: string; twice?: 'same' | 'once'; undone?: 'all' | 'later' },
): Promise<Walked<O>> {
  const { run, twice = 'same', undone = 'all' } = how;
  const definition = step(uses);
  const before = await bench.snapshot();
  const preview = await bench.plan(definition, input, run);
  expect(preview.effects).toBeInstanceOf(Array);
  expect(await bench.snapshot(), `plan of ${uses} has an effect`).toEqual(before);

  const claim: unknown = definition.claim(structuredClone(input), bench.facts(definition, run));
  expect(
    definition.claim(structuredClone(input), bench.facts(definition, run)),
    `claim of ${uses} is not pure`,
  ).toEqual(claim);
  await bench.undo(definition, claim, { run });
  expect(await bench.snapshot(), `undo of ${uses} with nothing there has an effect`).toEqual(before);

  const first = await bench.run<O>(definition, input, { run });
  const remembered = { ...first.remembered };
  if (twice === 'same') {
    await first.close();
    const second = await bench.run<O>(definition, input, { run, claim: first.claim });
    expect(comparable(second.output), `${uses} run twice gives something else`).toEqual(comparable(first.output));
    await second.close();
    Object.assign(remembered, second.remembered);
  }
  if (undone === 'later') return { uses, ran: first };
  await bench.undo(definition, claim, { run, remembered });
  await first.close();
  if (definition.undo) {
    expect(await bench.snapshot(), `undo of ${uses} leaves something`).toEqual(before);
    await bench.undo(definition, claim, { run, remembered });
    expect(await bench.snapshot()).toEqual(before);
  }
  return { uses, ran: await bench.run<O>(definition, input, { run }) };
}

/** Without what differs between two processes that do the same. */
const comparable = (output: unknown): unknown =>
  JSON.parse(
    JSON.stringify(output, (key, value: unknown) =>
      ['process', 'free_bytes', 'clock_skew_ms', 'file_mtime_ns', 'released'].includes(key) ? null : value,
    ),
  ) as unknown;

async function twoDisks(bench: StepBench): Promise<readonly string[]> {
  await makeRaw(bench.folder.file('a.raw'), 3 * MiB + 512, [0, MiB], [3 * MiB, 512]);
  await makeRaw(bench.folder.file('b.raw'), 2 * MiB, [MiB, 65_536]);
  return ['a.raw', 'b.raw'];
}

/** The steps of a backup up to the commit, each walked; the outputs of the steps by name. */
async function walkBackup(bench: StepBench, run: string, disks: readonly string[], scopes: AsyncDisposableStack) {
  const vm = vmOf(bench, disks);
  const repository = 'primary';
  const claims: [string, unknown][] = [];
  const does = async <O>(
    uses: string,
    input: object,
    how: { twice?: 'same' | 'once'; undone?: 'all' | 'later' } = {},
  ): Promise<O> => {
    const { ran } = await walk<O>(bench, uses, input, { run, ...how });
    claims.push([uses, ran.claim]);
    return scopes.use(ran).output;
  };
  await does('hub.preflight', { for: 'backup', repository, node: 'local' });
  const inspected = await does<NodeInspectOutput>('node.inspect', { node: 'local', vm });
  const decided = await does<ChainDecideOutput>('chain.decide', {
    repository,
    vm,
    disks: inspected.disks,
    mode: 'auto',
    onNoParent: 'full',
  });
  const ports = await does<PortsAllocateOutput>('ports.allocate', { disks: decided.disks });
  const created = await does<Qcow2CreateOutput>('qcow2.create', { repository, disks: decided.disks });
  const served = await does<NbdServeOutput>('nbd.serve', {
    disks: decided.disks,
    files: created.files,
    leases: ports.leases,
  });
  // The block indexes that it leaves are named in the claim of qcow2.create, which takes them back.
  const transferred = await does<NodeTransferOutput>(
    'node.transfer',
    { node: 'local', vm, source: inspected.source, repository, disks: decided.disks, targets: served.targets },
    { undone: 'later' },
  );
  // A server that is gone before it is told to stop is an error, so there is no second time.
  await does('nbd.stop', { servers: served.servers }, { twice: 'once', undone: 'later' });
  const sealed = await does<Qcow2SealOutput>(
    'qcow2.seal',
    { repository, disks: decided.disks, transferred: transferred.disks, verify: 'all' },
    { undone: 'later' },
  );
  const commitInput = {
    repository,
    vm,
    decision: decided,
    transferred: transferred.disks,
    sealed: sealed.disks,
    warnings: transferred.warnings,
  };
  return { claims, decided, ports, commitInput };
}

describe('every step of a backup', () => {
  test(
    'plans without effect, runs twice like once, and takes back what it made; together they leave nothing',
    { timeout: 300_000 },
    async () => {
      await using bench = await stepBench();
      const disks = await twoDisks(bench);
      await backup(bench, { run: 'run-000001', disks });
      await writeInto(bench.folder.file('a.raw'), [65_536, Buffer.alloc(65_536)]);
      const before = await bench.snapshot();

      await using scopes = new AsyncDisposableStack();
      const { claims, decided } = await walkBackup(bench, 'run-000002', disks, scopes);
      expect(decided.disks.map(({ mode }) => mode)).toEqual(['incremental', 'incremental']);
      await scopes.disposeAsync();
      for (const [uses, claim] of claims.toReversed()) await bench.undo(step(uses), claim, { run: 'run-000002' });
      expect(await bench.snapshot()).toEqual(before);
    },
  );

  test('a first backup that is undone leaves an empty repository; a commit stays', { timeout: 300_000 }, async () => {
    await using bench = await stepBench();
    const disks = await twoDisks(bench);
    await using scopes = new AsyncDisposableStack();
    const { claims, ports, commitInput } = await walkBackup(bench, 'run-000001', disks, scopes);

    const { ran } = await walk<BackupCommitOutput>(bench, 'backup.commit', commitInput, {
      run: 'run-000001',
      undone: 'later',
    });
    await ran.close();
    expect(await bench.published(step('backup.commit'), ran.claim)).toBe(true);
    const committed = await bench.snapshot();
    // What undo of the commit would do after it has published: nothing.
    await bench.undo(step('backup.commit'), ran.claim, { run: 'run-000001' });
    expect(await bench.snapshot()).toEqual(committed);
    expect(await sameContent(ran.output.disks[0]?.path ?? '', bench.folder.file('a.raw'))).toBe(true);
    await walk(bench, 'ports.release', { leases: ports.leases }, { run: 'run-000001', undone: 'later' });
    expect((await bench.snapshot()).filter((line) => line.startsWith('port_leases'))).toEqual([]);
    expect(claims.map(([uses]) => uses)).toContain('qcow2.create');
  });

  test(
    'undone before its commit, the first backup leaves only the marker of the repository',
    { timeout: 300_000 },
    async () => {
      await using bench = await stepBench();
      const disks = await twoDisks(bench);
      await using scopes = new AsyncDisposableStack();
      const { claims } = await walkBackup(bench, 'run-000001', disks, scopes);
      await scopes.disposeAsync();
      for (const [uses, claim] of claims.toReversed()) await bench.undo(step(uses), claim, { run: 'run-000001' });
      expect(await listing(bench.folder.file('repository'))).toEqual([
        expect.stringMatching(/^sendense-repository\.json /),
      ]);
    },
  );
});

describe('every step of a restore', () => {
  test.each(['raw', 'qcow2', 'vmdk'])(
    'plans without effect, runs twice like once, and takes back what it made (%s)',
    { timeout: 300_000 },
    async (format) => {
      await using bench = await stepBench();
      const disks = await twoDisks(bench);
      await backup(bench, { run: 'run-000001', disks });
      const repository = 'primary';
      const run = 'run-000002';
      await walk(bench, 'hub.preflight', { for: 'restore', repository, node: null, directory: './out/deep' }, { run });
      const { ran: selected } = await walk<PointSelectOutput>(
        bench,
        'point.select',
        { repository, vm: { name: 'pgtest1' }, point: 'latest', disks: null },
        { run },
      );
      const { ran: written } = await walk<RestoreWriteOutput>(
        bench,
        'restore.write',
        {
          repository,
          disks: selected.output.disks,
          to: { directory: './out/deep', format, subformat: 'monolithicSparse', thin: false },
        },
        { run },
      );
      const target = { target: written.output.target };
      const { ran: verified } = await walk<RestoreVerifyOutput>(
        bench,
        'restore.verify',
        { disks: selected.output.disks, ...target, files: written.output.files, verify: true },
        { run },
      );
      expect(verified.output).toEqual({ verified: true, compared_bytes: 3 * MiB + 512 + 2 * MiB });
      await verified.close();
      const input = {
        disks: selected.output.disks,
        ...target,
        files: written.output.files,
        backupId: selected.output.backup_id,
      };
      const { ran: published } = await walk<RestorePublishOutput>(bench, 'restore.publish', input, {
        run,
        undone: 'later',
      });
      expect(await bench.published(step('restore.publish'), published.claim, published.remembered)).toBe(true);
      expect((await readdir(bench.folder.file('plans', 'out', 'deep'))).toSorted()).toEqual([
        `disk-0.${format}`,
        `disk-1.${format}`,
      ]);
      expect(await sameContent(published.output.disks[0]?.path ?? '', bench.folder.file('a.raw'))).toBe(true);
      expect(await sameContent(published.output.disks[1]?.path ?? '', bench.folder.file('b.raw'))).toBe(true);
    },
  );
});
