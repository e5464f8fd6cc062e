import { chmod, rm, truncate, utimes } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { exists } from '../../../src/host/files/files.ts';
import { runFolderOf } from '../../../src/host/programs/run-folder.ts';
import type { ChainDecideOutput, DiskInfo } from '../../../src/schemas/types.ts';
import { raiseNotice } from '../../../src/state/notices/notices.ts';
import { chainDecide } from '../../../src/steps/chain/chain-decide.ts';
import { readFolderId, serveReadOnly } from '../../../src/restore-points/serve-chain.ts';
import { makeRaw, MiB, writeInto } from '../../host/disk-images.ts';
import { backup, type BackupSpec } from '../backup-run.ts';
import { vsphereVm } from '../../cli/fake-node.ts';
import { someDiskInfo } from '../some-decision.ts';
import { servers, stepBench, type StepBench } from '../step-bench.ts';

/** As a run that decides and ends: until then it holds the VM's lock. */
async function decide(bench: StepBench, disks: readonly DiskInfo[], more: object = {}, run = 'run-decide') {
  await using decided = await bench.run<ChainDecideOutput>(
    chainDecide,
    { repository: 'primary', vm: { name: 'pgtest1' }, disks, ...more },
    { run },
  );
  return decided;
}

/** A bench with one full restore point of two disks; the disks as the node saw them. */
async function withFull(): Promise<{
  bench: StepBench;
  disks: DiskInfo[];
  backup(spec: Partial<BackupSpec>): ReturnType<typeof backup>;
  file(disk: number): string;
  id: string;
}> {
  const bench = await stepBench();
  await makeRaw(bench.folder.file('a.raw'), 2 * MiB, [0, MiB]);
  await makeRaw(bench.folder.file('b.raw'), MiB, [0, 4096]);
  const spec = { run: 'run-000001', disks: ['a.raw', 'b.raw'] };
  const first = await backup(bench, spec);
  return {
    bench,
    disks: first.parts.inspected.disks,
    id: first.backup_id,
    backup: (more) => backup(bench, { ...spec, ...more }),
    file: (disk) => first.disks[disk]?.path ?? '',
  };
}

describe('chain.decide', () => {
  test('a revert is seen although the last restore point was made by a clock that was ahead', async () => {
    const { bench, disks } = await withFull();
    await using _bench = bench;
    const revert = Date.parse('2026-11-21T01:30:00Z') - 90 * 60_000;
    // As the hypervisor says it, whose clock is right.
    const facts = vsphereVm('pgtest1', 'vm-1', { last_revert: revert, reverts_known_since: 0 });
    const reasons = async (): Promise<(string | undefined)[]> =>
      (await decide(bench, disks, { facts })).output.disks.map(({ reason }) => reason);
    for (const reason of await reasons()) expect(reason).not.toContain('reverted');
    const details = { jump_ms: -2 * 3_600_000 };
    raiseNotice(bench.state, { event: 'clock', message: 'the clock was set back by 2h', details });
    for (const reason of await reasons())
      expect(reason).toContain('the VM was reverted to a snapshot on 2026-11-21T00:00:00.000Z');
  });

  test('numbers the disks of a new VM in their order, and says that this is the first backup', async () => {
    await using bench = await stepBench();
    const { output } = await decide(bench, [someDiskInfo({ uuid: 'x' }), someDiskInfo({ uuid: 'y', key: '1' })]);
    expect(output).toMatchObject({
      backup_id: '20261121T013000Z-decide',
      context: 'pgtest1',
      kind: 'full',
      parent: null,
      warnings: [],
      removed_disks: [],
    });
    expect(output.disks.map(({ disk, uuid, mode, reason }) => [disk, uuid, mode, reason])).toEqual([
      ['disk-0', 'x', 'full', 'first backup of this VM in this repository'],
      ['disk-1', 'y', 'full', 'first backup of this VM in this repository'],
    ]);
    expect(output.disks[0]).toMatchObject({
      path: `pgtest1/disk-0/${output.backup_id}.qcow2`,
      index_path: `pgtest1/disk-0/${output.backup_id}.index`,
      parent: null,
    });
  });

  test('matches disks by uuid, whatever their order, key or label', async () => {
    const { bench, disks, id } = await withFull();
    await using _bench = bench;
    const swapped = disks.toReversed().map((disk, at) => ({ ...disk, key: `new-${at}`, label: 'moved' }));
    const { output } = await decide(bench, swapped);
    expect(output.kind).toBe('incremental');
    expect(output.disks.map(({ disk, uuid, parent }) => [disk, uuid, parent?.backup_id])).toEqual([
      ['disk-0', disks[0]?.uuid, id],
      ['disk-1', disks[1]?.uuid, id],
    ]);
  });

  test('an added disk gets the next number and a full, a removed one is warned of, and its number is not used again', async () => {
    const { bench, disks, backup: again } = await withFull();
    await using _bench = bench;
    await makeRaw(bench.folder.file('c.raw'), MiB);
    const { output, warnings } = await decide(bench, [disks[1] as DiskInfo, someDiskInfo({ uuid: 'new' })]);
    expect(output.disks.map(({ disk, mode }) => [disk, mode])).toEqual([
      ['disk-1', 'incremental'],
      ['disk-2', 'full'],
    ]);
    expect(output.removed_disks).toEqual([{ number: 0, uuid: disks[0]?.uuid, label: disks[0]?.label }]);
    expect(warnings).toEqual([
      expect.stringMatching(/^disk-0 \(a\.raw\) was in restore point .* and is no longer part of the VM$/),
    ]);
    await again({ run: 'run-000002', disks: ['b.raw'] });
    const later = await again({ run: 'run-000003', disks: ['b.raw', 'c.raw', 'a.raw'] });
    expect(later.disks.map(({ disk, mode }) => [disk, mode])).toEqual([
      ['disk-0', 'full'],
      ['disk-1', 'incremental'],
      ['disk-2', 'full'],
    ]);
    expect(later.disks[0]?.reason).toContain('not in the last restore point');
  });

  test('an incremental that is not possible is refused, with the reason, unless a full will do', async () => {
    const { bench, disks } = await withFull();
    await using _bench = bench;
    const grown = disks.map((disk) => ({ ...disk, capacity_bytes: disk.capacity_bytes + 512 }));
    await expect(decide(bench, grown, { mode: 'incremental' })).rejects.toMatchObject({
      code: 'chain.no-parent',
      message: expect.stringMatching(/^a\.raw: no incremental is possible: the capacity changed/) as string,
    });
    expect((await decide(bench, grown, { mode: 'incremental', onNoParent: 'full' })).output.kind).toBe('full');
    expect((await decide(bench, disks, { mode: 'incremental' })).output.kind).toBe('incremental');
    expect((await decide(bench, disks, { mode: 'full' })).output.disks[0]?.reason).toBe(
      'the plan asks for a full backup',
    );
  });

  test.each([
    ['a missing file', (file: string) => rm(file), /is missing/],
    ['a cut file', (file: string) => truncate(file, 100), /has 100 bytes/],
    ['a missing block index', (file: string) => rm(file.replace('.qcow2', '.index')), /block index .* is missing/],
  ])('%s of the parent means a full of that disk, with the reason', async (_name, damage, reason) => {
    const { bench, disks, file } = await withFull();
    await using _bench = bench;
    await damage(file(0));
    const { output } = await decide(bench, disks);
    expect(output.disks.map(({ mode }) => mode)).toEqual(['full', 'incremental']);
    expect(output.disks[0]?.reason).toMatch(reason);
  });

  test('a touched parent is compared: the same content is built on and remembered, so that it is compared only once', async () => {
    const { bench, disks, file } = await withFull();
    await using _bench = bench;
    await utimes(file(0), 5, 5);
    {
      await using first = await decide(bench, disks);
      expect(first.output.kind).toBe('incremental');
      expect(first.logs[0]).toContain('comparing the content of the chain');
      expect(first.progress.at(-1)).toMatchObject({ phase: 'comparing', bytes_done: 2 * MiB, bytes_total: 2 * MiB });
    }
    await using second = await decide(bench, disks);
    expect(second.logs[0]).not.toContain('comparing');
    expect(await exists(runFolderOf(readFolderId('run-decide')))).toBe(false);
  });

  test('a touched parent of other content means a full', async () => {
    const { bench, disks, file } = await withFull();
    await using _bench = bench;
    await chmod(file(0), 0o644);
    await execa('qemu-io', ['-f', 'qcow2', '-c', 'write -P 77 64k 64k', file(0)]);
    await using decided = await decide(bench, disks);
    expect(decided.output.disks[0]).toMatchObject({
      mode: 'full',
      reason: expect.stringMatching(/is not what was backed up, first at offset 65536/) as string,
    });
    expect(decided.output.disks[1]?.mode).toBe('incremental');
  });

  test('a touched parent that cannot be read any more means a full', async () => {
    const { bench, disks, file } = await withFull();
    await using _bench = bench;
    await writeInto(file(0), [0, Buffer.from('XXXX')]);
    await using decided = await decide(bench, disks);
    expect(decided.output.disks[0]).toMatchObject({
      mode: 'full',
      reason: expect.stringMatching(/is not a qcow2 file/) as string,
    });
  });

  test('a dry-run compares nothing, and says that a run will', async () => {
    const { bench, disks, file } = await withFull();
    await using _bench = bench;
    await utimes(file(0), 5, 5);
    const preview = await bench.plan(chainDecide, { repository: 'primary', vm: { name: 'pgtest1' }, disks });
    expect(preview.unknown?.[0]).toMatch(/changed since the commit: the content will be compared/);
    expect((preview.output as ChainDecideOutput).kind).toBe('incremental');
  });

  test('after a kill -9 in the middle of a comparison, undo stops its server', async () => {
    const { bench, file } = await withFull();
    await using _bench = bench;
    await serveReadOnly(file(0), 'qcow2', readFolderId('run-killed'));
    expect(servers(bench.folder.path)).toHaveLength(1);
    const input = { repository: 'primary', vm: { name: 'pgtest1' } } as never;
    await bench.undo(chainDecide, chainDecide.claim(input, bench.facts(chainDecide, 'run-killed')), {
      run: 'run-killed',
    });
    expect(servers(bench.folder.path)).toEqual([]);
  });
});
