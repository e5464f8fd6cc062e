import { createHash } from 'node:crypto';
import { appendFile, chmod, copyFile, readdir, rename, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { createIndexWriter } from '../../src/blocks/block-index-writer.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { exists } from '../../src/host/files/files.ts';
import type { NodeClient } from '../../src/host/node-api/node-client.ts';
import { readManifest } from '../../src/repository/manifest.ts';
import { writeManifest } from '../repository/fixture-files.ts';
import type { BackupCommitOutput, JobStatus, NotProtected, NodeTransferOutput } from '../../src/schemas/types.ts';
import { inFuture } from '../../src/state/database/in-future.ts';
import { findPoint, insertRestorePoint, latestPoint } from '../../src/state/points/restore-points.ts';
import { backupCommit } from '../../src/steps/backup/backup-commit.ts';
import { nodeTransfer } from '../../src/steps/at-node/node-transfer.ts';
import { makeRaw, MiB } from '../host/disk-images.ts';
import { someDisk, someManifest } from '../repository/some-manifest.ts';
import { prepareBackup } from './backup-run.ts';
import { someDecision } from './some-decision.ts';
import { stepBench, type StepBench } from './step-bench.ts';

const run = 'run-000001';

async function toCommit(bench: StepBench) {
  await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
  const parts = await prepareBackup(bench, { run, disks: ['a.raw'] });
  const claim = { repository: 'primary', context: 'pgtest1', backupId: parts.decided.backup_id };
  return {
    input: parts.commitInput,
    claim,
    manifest: bench.folder.file('repository', 'pgtest1', `${claim.backupId}.json`),
  };
}

const commit = (bench: StepBench, input: object, signal?: AbortSignal) =>
  bench.run<BackupCommitOutput>(backupCommit, input, { run, ...(signal ? { signal } : {}) });

describe('backup.commit', () => {
  test('writes what was decided, transferred and sealed into the manifest and the database', async () => {
    await using bench = await stepBench();
    const { input, claim, manifest } = await toCommit(bench);
    const { output } = await commit(bench, input);
    const written = await readManifest(manifest);
    expect(written).toMatchObject({
      backup_id: claim.backupId,
      vm: { name: 'pgtest1', context: 'pgtest1' },
      kind: 'full',
      plan: 'test',
      run_id: run,
      parent: null,
      started: '2026-11-21T01:30:00.000Z',
      producer: { name: 'sendense', version: '0.0.0-test' },
    });
    expect(written.disks[0]).toMatchObject({
      number: 0,
      path: `disk-0/${claim.backupId}.qcow2`,
      file_bytes: input.sealed[0]?.file_bytes,
      digest: input.transferred[0]?.digest,
    });
    expect(findPoint(bench.state, claim)).toMatchObject({ checksum: written.checksum, disks: written.disks });
    expect(output).toMatchObject({
      backup_id: claim.backupId,
      manifest,
      disks: [
        {
          disk: 'disk-0',
          mode: 'full',
          path: bench.folder.file('repository', 'pgtest1', 'disk-0', `${claim.backupId}.qcow2`),
        },
      ],
    });
  });

  test('after a crash between manifest and rows it goes on from there, or undo takes the manifest back', async () => {
    await using bench = await stepBench();
    const { input, claim, manifest } = await toCommit(bench);
    await commit(bench, input);
    await copyFile(manifest, bench.folder.file('kept.json'));
    const { deletePoint } = await import('../../src/state/points/restore-points.ts');
    deletePoint(bench.state, claim);
    expect(await bench.published(backupCommit, claim)).toBe(false);
    await commit(bench, input);
    expect(findPoint(bench.state, claim)?.checksum).toBe((await readManifest(bench.folder.file('kept.json'))).checksum);

    deletePoint(bench.state, claim);
    await writeFile(`${manifest}.sendense-part`, 'half');
    await bench.undo(backupCommit, claim, { run });
    expect(await readdir(bench.folder.file('repository', 'pgtest1'))).toEqual(['disk-0']);
    await bench.undo(backupCommit, claim, { run });
  });

  test('a manifest of another run under that name is neither replaced nor removed', async () => {
    await using bench = await stepBench();
    const { input, claim, manifest } = await toCommit(bench);
    await writeManifest(manifest, someManifest(claim.backupId, { run_id: 'run-other' }));
    await expect(commit(bench, input)).rejects.toMatchObject({ code: 'file.exists' });
    await bench.undo(backupCommit, claim, { run });
    expect((await readManifest(manifest)).run_id).toBe('run-other');
    expect(findPoint(bench.state, claim)).toBeUndefined();
  });

  test('once it has published, undo leaves it alone', async () => {
    await using bench = await stepBench();
    const { input, claim, manifest } = await toCommit(bench);
    await commit(bench, input);
    expect(await bench.published(backupCommit, claim)).toBe(true);
    await bench.undo(backupCommit, claim, { run });
    expect(await exists(manifest)).toBe(true);
  });

  test('after a clock that was ahead, the restore point has its own time, and comes after the one before', async () => {
    await using bench = await stepBench();
    const ahead = Date.now() + 400 * 86_400_000;
    const { input, claim, manifest } = await toCommit(bench);
    const other = someManifest('b1', { disks: [someDisk('b1', 9)] });
    const before = { ...other, created: new Date(ahead).toISOString(), checksum: 'sha256:0' };
    insertRestorePoint(bench.state, 'primary', before);
    const from = Date.now();
    await commit(bench, input);
    const { created, sequence } = await readManifest(manifest);
    expect(Date.parse(created)).toBeGreaterThanOrEqual(from);
    expect(Date.parse(created)).toBeLessThanOrEqual(Date.now());
    expect(sequence).toBe(ahead + 1);
    expect(latestPoint(bench.state, claim)?.backup_id).toBe(claim.backupId);
    expect(inFuture(bench.state, Date.now())).toEqual([]);
  });

  test('an abort before it begins leaves nothing', async () => {
    await using bench = await stepBench();
    const { input, manifest } = await toCommit(bench);
    await expect(commit(bench, input, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(await exists(manifest)).toBe(false);
  });

  test.each(['qcow2', 'index'])('a file that changed after it was checked is not committed: %s', async (ending) => {
    await using bench = await stepBench();
    const { input, claim, manifest } = await toCommit(bench);
    const file = bench.folder.file('repository', 'pgtest1', 'disk-0', `${claim.backupId}.${ending}`);
    await chmod(file, 0o600);
    await appendFile(file, 'x');
    await expect(commit(bench, input)).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringContaining(`${claim.backupId}.${ending} changed after it was`) as string,
    });
    expect(await exists(manifest)).toBe(false);
    expect(findPoint(bench.state, claim)).toBeUndefined();
  });

  describe('of a restore point that is built on another', () => {
    async function twoPoints(bench: StepBench) {
      const { input, claim: parent } = await toCommit(bench);
      await commit(bench, input);
      const second = 'run-000002';
      const { commitInput, decided } = await prepareBackup(bench, { run: second, disks: ['a.raw'] });
      expect(decided).toMatchObject({ kind: 'incremental', parent: parent.backupId });
      const at = (...path: string[]): string => bench.folder.file('repository', 'pgtest1', ...path);
      return {
        at,
        parent: parent.backupId,
        child: { ...parent, backupId: decided.backup_id },
        commit: () => bench.run<BackupCommitOutput>(backupCommit, commitInput, { run: second }),
      };
    }

    test.each([
      ['manifest', (id: string) => [`${id}.json`]],
      ['image', (id: string) => ['disk-0', `${id}.qcow2`]],
      ['block index', (id: string) => ['disk-0', `${id}.index`]],
    ] as const)('nothing is committed where the %s of that one is gone meanwhile', async (_, pathOf) => {
      await using bench = await stepBench();
      const { at, parent, child, commit: again } = await twoPoints(bench);
      const path = pathOf(parent);
      await rename(at(...path), bench.folder.file('away'));
      await expect(again()).rejects.toMatchObject({
        code: 'chain.damaged',
        message: expect.stringContaining(`is built on ${parent}, and pgtest1/${path.join('/')} is gone`) as string,
      });
      expect(await exists(at(`${child.backupId}.json`))).toBe(false);
      expect(findPoint(bench.state, child)).toBeUndefined();
      await rename(bench.folder.file('away'), at(...path));
      await again();
      expect(findPoint(bench.state, child)).toBeDefined();
    });

    test('nothing is committed where its image was put on another one meanwhile', async () => {
      await using bench = await stepBench();
      const { at, parent, child, commit: again } = await twoPoints(bench);
      const image = at('disk-0', `${child.backupId}.qcow2`);
      await execa('touch', ['-r', image, bench.folder.file('when')]);
      await copyFile(at('disk-0', `${parent}.qcow2`), at('disk-0', 'other.qcow2'));
      await chmod(image, 0o600);
      await execa('qemu-img', ['rebase', '-u', '-F', 'qcow2', '-b', 'other.qcow2', image]);
      await execa('touch', ['-r', bench.folder.file('when'), image]);
      await expect(again()).rejects.toMatchObject({
        code: 'content.mismatch',
        message: expect.stringContaining('is built on other.qcow2, not on') as string,
      });
      expect(await exists(at(`${child.backupId}.json`))).toBe(false);
    });
  });

  test('a disk of which nothing is known is a fault of ours', async () => {
    await using bench = await stepBench();
    const { input, manifest } = await toCommit(bench);
    await expect(commit(bench, { ...input, sealed: [] })).rejects.toMatchObject({ code: 'run.internal' });
    expect(await exists(manifest)).toBe(false);
  });
});

const index = Buffer.from('a block index');
const sha256 = createHash('sha256').update(index).digest('hex');

const jobDisk = (more: Partial<JobStatus['disks'][number]> = {}): JobStatus['disks'][number] => ({
  key: '2000',
  phase: 'done',
  mode: 'full',
  method: 'full',
  reason: '',
  capacity_bytes: MiB,
  bytes_total: MiB,
  bytes_done: MiB,
  bytes_transferred: 4096,
  rate: 0,
  change_id: 'c1',
  digest: `sha256:${'1'.repeat(64)}`,
  index_bytes: index.length,
  index_sha256: sha256,
  error: null,
  ...more,
});

const status = (more: Partial<JobStatus> = {}): JobStatus => ({
  job_id: 'job',
  vm_name: 'pgtest1',
  status: 'succeeded',
  started: 1,
  finished: 2,
  updated: 2,
  error: null,
  warnings: ['torn'],
  disks: [jobDisk()],
  ...more,
});

/** A node that answers what it is told to; what it was asked. */
function fakeNode(
  answers: (JobStatus | Error)[],
  more: Partial<NodeClient> = {},
): { client: NodeClient; asked: string[] } {
  const asked: string[] = [];
  const refuse = (): never => {
    throw new Error('not asked for');
  };
  const client: NodeClient = {
    url: 'fake:',
    label: 'node fake',
    health: refuse,
    doctor: refuse,
    discover: refuse,
    inventory: refuse,
    testCredential: refuse,
    testDataPath: refuse,
    indexFormats: async () => ({ formats: [1] }),
    putIndex: async (hash) => void asked.push(`put ${hash}`),
    startBackup: async (request) => (
      asked.push(`start ${request.job_id} ${request.backup_type} ${request.nbd_targets}`),
      { job_id: request.job_id } as never
    ),
    status: async () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return answer ?? status();
    },
    getVmConfig: refuse,
    getIndex: async (_job, _key, file) => writeFile(file, index, { flag: 'wx' }),
    cancel: refuse,
    log: refuse,
    remove: async (job) => asked.push(`remove ${job}`) > 0,
    end: async (job) => ({ gone: asked.push(`remove ${job}`) > 0, left: null }),
    cleanUp: refuse,
    checkRestore: refuse,
    startRestore: refuse,
    compareRestore: refuse,
    finishRestore: refuse,
    powerRestore: refuse,
    undoRestore: refuse,
    checkInPlace: refuse,
    startInPlace: refuse,
    endInPlace: refuse,
    checkAttach: refuse,
    endAttach: refuse,
    attachedDisks: refuse,
    detachDisks: refuse,
    ...more,
  };
  return { client, asked };
}

const unreachable = new SendenseError('node.unreachable', 'no answer');
const source = {
  type: 'image',
  disks: [{ path: '/a.raw', format: null, uuid: null, allow_in_use: false, changes: null }],
};

async function transfer(
  bench: StepBench,
  node: { client: NodeClient },
  decision = someDecision(),
  signal?: AbortSignal,
  known: readonly NotProtected[] = [],
) {
  const { mkdir } = await import('node:fs/promises');
  await bench.services.openRepository('primary');
  await mkdir(bench.folder.file('repository', 'pgtest1', 'disk-0'), { recursive: true });
  const input = {
    node: 'local',
    vm: { name: 'pgtest1' },
    source,
    repository: 'primary',
    disks: [decision],
    targets: '2000:nbd://127.0.0.1:1/disk-0',
    not_protected: known,
  };
  return bench.run<NodeTransferOutput>(nodeTransfer, input, {
    run,
    services: { node: async () => node.client },
    ...(signal ? { signal } : {}),
  });
}

describe('node.transfer', () => {
  test('starts one job, follows it, fetches the block index, and removes the job', async () => {
    await using bench = await stepBench();
    const node = fakeNode([
      status({ status: 'starting', disks: [] }),
      status({ status: 'running', disks: [jobDisk({ phase: 'copying', bytes_done: 1 })] }),
      status(),
    ]);
    const { output, progress } = await transfer(bench, node);
    expect(node.asked).toEqual([
      `start ${run}-node-transfer full 2000:nbd://127.0.0.1:1/disk-0`,
      `remove ${run}-node-transfer`,
    ]);
    expect(progress).toContainEqual({ disk: 'disk-0', phase: 'copying', bytes_done: 1, bytes_total: MiB, rate: 0 });
    expect(output).toMatchObject({
      warnings: ['torn'],
      disks: [
        {
          disk: 'disk-0',
          reason: 'first backup of this VM in this repository',
          bytes_transferred: 4096,
          change_id: 'c1',
          index_sha256: sha256,
        },
      ],
    });
    expect(await readdir(bench.folder.file('repository', 'pgtest1', 'disk-0'))).toEqual(['b1.index']);
  });

  test('the reason of the node, where it differs from what was decided, is kept', async () => {
    await using bench = await stepBench();
    const { output } = await transfer(
      bench,
      fakeNode([status({ disks: [jobDisk({ method: 'digest', reason: 'the tracker was reset' })] })]),
    );
    expect(output.disks[0]).toMatchObject({ method: 'digest', reason: 'the tracker was reset' });
  });

  test("makes the parent's block index known first", async () => {
    await using bench = await stepBench();
    const node = fakeNode([status()]);
    const { mkdir } = await import('node:fs/promises');
    await bench.services.openRepository('primary');
    await mkdir(bench.folder.file('repository', 'pgtest1', 'disk-0'), { recursive: true });
    const file = bench.folder.file('repository', 'pgtest1', 'disk-0', 'b0.index');
    await using writer = await createIndexWriter(file, { capacity: 65_536 });
    const { root: digest, indexSha256 } = await writer.finish();
    const parent = {
      backup_id: 'b0',
      path: 'pgtest1/disk-0/b0.qcow2',
      change_id: 'c0',
      digest,
      index_path: 'pgtest1/disk-0/b0.index',
    };
    await transfer(bench, node, someDecision({ mode: 'incremental', method: 'digest', parent }));
    expect(node.asked.slice(0, 2)).toEqual([
      `put ${indexSha256}`,
      `start ${run}-node-transfer incremental 2000:nbd://127.0.0.1:1/disk-0`,
    ]);
  });

  test('disks that are not in the backup are told, those that nobody knew of with a warning', async () => {
    await using bench = await stepBench();
    const known = { label: 'Hard disk 2 (scsi0:1)', uuid: 'u2', reason: 'it is independent' };
    const added = { label: 'Hard disk 3 (scsi0:2)', uuid: 'u3', reason: 'it was added' };
    const node = fakeNode([status({ not_protected: [known, added], warnings: [] })]);
    const { output, warnings } = await transfer(bench, node, someDecision(), undefined, [known]);
    expect(output.not_protected).toEqual([known, added]);
    expect(warnings).toEqual(['Hard disk 3 (scsi0:2) is NOT PROTECTED: it was added']);
    const silent = await transfer(bench, fakeNode([status()]), someDecision(), undefined, [known]);
    expect(silent.output.not_protected).toEqual([known]);
  });

  test('the way out that the node names is kept', async () => {
    await using bench = await stepBench();
    const error = { code: 'source.missing', message: 'no VM vm-9', remedy: 'Look for its new moref.', position: null };
    await expect(transfer(bench, fakeNode([status({ status: 'failed', error })]))).rejects.toMatchObject({
      remedy: 'Look for its new moref.',
    });
  });

  test('a node that is out of reach for a moment is waited for', async () => {
    await using bench = await stepBench();
    expect((await transfer(bench, fakeNode([unreachable, unreachable, status()]))).output.disks).toHaveLength(1);
  });

  test.each([
    [
      'the error of the node',
      status({
        status: 'failed',
        error: { code: 'source.busy', message: 'a.raw is in use', remedy: '', position: null },
      }),
      'source.busy',
      /a\.raw is in use/,
    ],
    [
      'an error that this program does not know',
      status({ status: 'failed', error: { code: 'toString', message: 'something', remedy: '', position: null } }),
      'job.failed',
      /something/,
    ],
    [
      'the error of a disk',
      status({ status: 'failed', disks: [jobDisk({ phase: 'failed', error: 'read error' })] }),
      'job.failed',
      /disk 2000: read error/,
    ],
    ['nothing', status({ status: 'failed', disks: [] }), 'job.failed', /job .* failed/],
    ['that it was cancelled', status({ status: 'cancelled' }), 'job.cancelled', /cancelled/],
    [
      'a digest that is missing',
      status({ disks: [jobDisk({ digest: null })] }),
      'node.protocol',
      /without a digest of disk-0/,
    ],
    ['a disk that is missing', status({ disks: [] }), 'node.protocol', /without a digest of disk-0/],
    ['another error of the connection', new SendenseError('node.refused', 'no'), 'node.refused', /no/],
  ])('%s ends it', async (_name, answer, code, message) => {
    await using bench = await stepBench();
    await expect(transfer(bench, fakeNode([answer]))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test('a block index that arrives damaged is refused and does not get its name', async () => {
    await using bench = await stepBench();
    const node = fakeNode([status()], { getIndex: (_job, _key, file) => writeFile(file, 'something else') });
    await expect(transfer(bench, node)).rejects.toMatchObject({ code: 'content.mismatch' });
    expect(await readdir(bench.folder.file('repository', 'pgtest1', 'disk-0'))).toEqual(['b1.index.sendense-part']);
  });

  test('an abort ends it with its reason, and undo removes the job', async () => {
    await using bench = await stepBench();
    const controller = new AbortController();
    const node = fakeNode([status({ status: 'running' })]);
    const running = transfer(bench, node, someDecision(), controller.signal);
    await expect.poll(() => node.asked.length).toBe(1);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const facts = bench.facts(nodeTransfer, run);
    await nodeTransfer.undo?.(
      {
        ...facts,
        services: { ...bench.services, node: async () => node.client },
        signal: AbortSignal.timeout(5000),
        remembered: {},
        isPublished: false,
        log: () => undefined,
        warn: () => undefined,
      },
      { node: 'local', jobId: `${run}-node-transfer` },
    );
    expect(node.asked.at(-1)).toBe(`remove ${run}-node-transfer`);
  });

  test.each([
    ['node.revoked', true],
    ['node.unknown', true],
    ['node.unreachable', false],
  ] as const)('undo with a node that is gone for good has nothing to wait for: %s', async (code, isGone) => {
    await using bench = await stepBench();
    const said: string[] = [];
    const undone = Promise.resolve(
      nodeTransfer.undo?.(
        {
          ...bench.facts(nodeTransfer, run),
          services: { ...bench.services, node: () => Promise.reject(new SendenseError(code, 'no such node')) },
          signal: AbortSignal.timeout(5000),
          remembered: {},
          isPublished: false,
          log: (message) => void said.push(message),
          warn: () => undefined,
        },
        { node: 'site-b', jobId: `${run}-node-transfer` },
      ),
    );
    if (isGone) await undone;
    else await expect(undone).rejects.toMatchObject({ code });
    expect(said).toEqual(isGone ? [expect.stringContaining('ends by itself')] : []);
  });
});
