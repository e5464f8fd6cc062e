import { chmod, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { Qcow2CreateOutput, Qcow2SealOutput } from '../../src/schemas/types.ts';
import { envelopeDigest } from '../../src/repository/envelope.ts';
import { backupCommit } from '../../src/steps/backup/backup-commit.ts';
import { qcow2Create } from '../../src/steps/qcow2/qcow2-create.ts';
import { qcow2Seal } from '../../src/steps/qcow2/qcow2-seal.ts';
import { guestWrites, makeRaw, MiB, writeInto } from '../host/disk-images.ts';
import { backup, prepareBackup, type BackupParts } from './backup-run.ts';
import { someDecision } from './some-decision.ts';
import { stepBench, type StepBench } from './step-bench.ts';

const run = 'run-000009';

describe('qcow2.create', () => {
  const onMissing = someDecision({
    number: 1,
    mode: 'incremental',
    parent: {
      backup_id: 'b0',
      path: 'pgtest1/disk-1/b0.qcow2',
      change_id: 'c',
      digest: `sha256:${'0'.repeat(64)}`,
      index_path: 'pgtest1/disk-1/b0.index',
    },
  });

  test('undo after a half-done run removes what was made and the folders for it', async () => {
    await using bench = await stepBench();
    const input = { repository: 'primary', disks: [someDecision(), onMissing] };
    await expect(bench.run(qcow2Create, input, { run })).rejects.toMatchObject({
      code: 'file.unreadable',
      message: expect.stringContaining('b0.qcow2') as string,
    });
    await bench.undo(qcow2Create, qcow2Create.claim(input, bench.facts(qcow2Create, run)), { run });
    expect(await readdir(bench.folder.file('repository'))).toEqual(['sendense-repository.json']);
  });

  test.each(['pgtest1', 'pgtest1/disk-0'])('%s is a link: nothing is made where it leads to', async (name) => {
    await using bench = await stepBench();
    const { path: root } = await bench.services.openRepository('primary');
    const outside = bench.folder.file('outside');
    await mkdir(join(outside, 'disk-0'), { recursive: true });
    if (name !== 'pgtest1') await mkdir(join(root, 'pgtest1'));
    await symlink(name === 'pgtest1' ? outside : join(outside, 'disk-0'), join(root, name));
    const input = { repository: 'primary', disks: [someDecision()] };
    await expect(bench.run(qcow2Create, input, { run })).rejects.toMatchObject({
      code: 'repository.unusable',
      message: expect.stringContaining('no folder but a link') as string,
    });
    expect(await readdir(join(outside, 'disk-0'))).toEqual([]);
  });

  test.each(['pgtest1', 'pgtest1/disk-0'])(
    '%s becomes a link: the next backup is refused, not committed',
    async (name) => {
      await using bench = await stepBench();
      await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
      await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
      const root = bench.folder.file('repository');
      await rename(join(root, name), bench.folder.file('moved'));
      await symlink(bench.folder.file('moved'), join(root, name));
      const before = await readdir(bench.folder.file('moved'), { recursive: true });
      await expect(backup(bench, { run: 'run-000002', disks: ['a.raw'] })).rejects.toMatchObject({
        code: 'repository.unusable',
      });
      expect(await readdir(bench.folder.file('moved'), { recursive: true })).toEqual(before);
    },
  );

  test('a folder that becomes a link during the transfer keeps the backup from its commit', async () => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), MiB, [0, 4096]);
    const { commitInput } = await prepareBackup(bench, { run: 'run-000001', disks: ['a.raw'] });
    const disk = bench.folder.file('repository', 'pgtest1', 'disk-0');
    await rename(disk, bench.folder.file('moved'));
    await symlink(bench.folder.file('moved'), disk);
    await expect(bench.run(backupCommit, commitInput, { run: 'run-000001' })).rejects.toMatchObject({
      code: 'repository.unusable',
    });
    expect(await readdir(bench.folder.file('repository', 'pgtest1'))).toEqual(['disk-0']);
  });

  test('undo also removes the block indexes, half or whole, and leaves everything of others', async () => {
    await using bench = await stepBench();
    const input = { repository: 'primary', disks: [someDecision()] };
    const made = await bench.run<Qcow2CreateOutput>(qcow2Create, input, { run });
    const folder = dirname(made.output.files[0]?.file ?? '');
    for (const name of ['b1.index', 'b1.index.sendense-part', 'b0.qcow2', 'b1.qcow2.old', 'b0.index.sendense-part'])
      await writeFile(`${folder}/${name}`, '');
    await bench.undo(qcow2Create, made.claim, { run });
    expect((await readdir(folder)).toSorted()).toEqual(['b0.index.sendense-part', 'b0.qcow2', 'b1.qcow2.old']);
  });

  test('undo without a repository, as on a mount point without its mount, says that nothing could be undone', async () => {
    await using bench = await stepBench();
    const claim = { repository: 'primary', files: ['pgtest1/disk-0/b1.qcow2'], manifests: ['pgtest1/b1.json'] };
    await expect(bench.undo(qcow2Create, claim, { run })).rejects.toMatchObject({ code: 'repository.unusable' });
    expect(await readdir(bench.folder.path)).not.toContain('repository');
  });

  test('undo keeps the files of a restore point whose manifest is there, whatever the database says', async () => {
    await using bench = await stepBench();
    const { path: root } = await bench.services.openRepository('primary');
    await mkdir(join(root, 'pgtest1/disk-0'), { recursive: true });
    for (const file of ['b1.json', 'disk-0/b1.qcow2']) await writeFile(join(root, 'pgtest1', file), 'kept');
    const claim = { repository: 'primary', files: ['pgtest1/disk-0/b1.qcow2'], manifests: ['pgtest1/b1.json'] };
    await expect(bench.undo(qcow2Create, claim, { run })).rejects.toMatchObject({ code: 'run.unclean' });
    expect(await readdir(join(root, 'pgtest1/disk-0'))).toEqual(['b1.qcow2']);
  });
});

/** A backup before its seal, undone by nobody: what seal gets. */
async function toSeal(
  bench: StepBench,
  spec: Partial<Parameters<typeof prepareBackup>[1]> = {},
): Promise<{ parts: BackupParts; input: object; file: string }> {
  const parts = await prepareBackup(bench, { run: 'run-000001', disks: ['a.raw'], ...spec });
  const input = {
    repository: 'primary',
    disks: parts.decided.disks,
    transferred: parts.transferred.disks,
    verify: 'all',
  };
  const file = bench.folder.file('repository', parts.decided.disks[0]?.path ?? '');
  await chmod(file, 0o644);
  return { parts, input, file };
}

const seal = (bench: StepBench, input: object) => bench.run<Qcow2SealOutput>(qcow2Seal, input, { run });

describe('qcow2.seal', () => {
  test('makes the file read-only and tells its size and time as they stay', async () => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 2 * MiB, [0, MiB]);
    const { input, file } = await toSeal(bench);
    await using sealed = await seal(bench, input);
    const { size, mtimeNs, mode } = await stat(file, { bigint: true });
    expect(sealed.output.disks).toEqual([
      {
        disk: 'disk-0',
        file_bytes: Number(size),
        file_mtime_ns: String(mtimeNs),
        compared_bytes: 2 * MiB,
        compression: null,
        envelope: await envelopeDigest(file),
      },
    ]);
    expect(mode & 0o777n).toBe(0o400n);
  });

  test.each([true, false])('a full is read back as a whole, whatever verify says (still: %s)', async (still) => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, MiB]);
    const { input, parts } = await toSeal(bench);
    const disks = parts.decided.disks.map((disk) => ({ ...disk, still }));
    await using sealed = await seal(bench, { ...input, disks, verify: 'changed' });
    expect(sealed.output.disks[0]?.compared_bytes).toBe(4 * MiB);
  });

  test.each([
    ['where there is data', 0, 'write -P 0x41 0 64k'],
    ['in a hole', 2 * MiB, 'write -P 0x41 2M 512'],
    ['zeros over data', 65_536, 'write -z 64k 64k'],
    ['gone', 131_072, 'discard 128k 64k'],
  ])('of a full it finds what somebody else did to the file: %s', async (_where, offset, command) => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, MiB]);
    const { input, file } = await toSeal(bench);
    await guestWrites(file, 'qcow2', command);
    await expect(seal(bench, { ...input, verify: 'changed' })).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringContaining(
        `first at offset ${offset} (65536 bytes); another program wrote to the file, or the storage is faulty`,
      ) as string,
    });
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });

  test('of an incremental it finds a block that was written although it should not have been, and one that was not', async () => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 4 * MiB, [0, 4 * MiB]);
    await backup(bench, { run: 'run-000001', disks: ['a.raw'] });
    await writeInto(bench.folder.file('a.raw'), [MiB, 65_536]);
    const { input, file, parts } = await toSeal(bench, { run: 'run-000002' });
    const changed = { ...input, verify: 'changed' };
    {
      await using good = await seal(bench, changed);
      expect(good.output.disks[0]?.compared_bytes).toBe(65_536);
    }
    await chmod(file, 0o644);
    await guestWrites(file, 'qcow2', 'write -P 3 3M 512');
    await expect(seal(bench, changed)).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringMatching(/disk-0: .* first at offset 3145728/) as string,
    });
    // An overlay that holds nothing at all: what should have been written is missing.
    await execa('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-F',
      'qcow2',
      '-b',
      `${parts.decided.parent}.qcow2`,
      file,
    ]);
    await expect(seal(bench, changed)).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringMatching(/first at offset 1048576/) as string,
    });
  });

  test.each([
    [
      'other content',
      (file: string) => guestWrites(file, 'qcow2', 'write -P 3 1M 512'),
      /differs from what was read from the source, first at offset 1048576/,
    ],
    ['damaged metadata', (file: string) => writeInto(file, [2 * 65_536, Buffer.from([0, 0])]), /qemu-img check/],
    [
      'another capacity',
      (file: string) => execa('qemu-img', ['resize', '-q', file, '3M']),
      /capacity of 3145728 bytes, the disk has 2097152/,
    ],
  ])('%s is refused', async (_name, damage, message) => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 2 * MiB, [0, MiB]);
    const { input, file } = await toSeal(bench);
    await damage(file);
    await expect(seal(bench, input)).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a block index that is not the one of the transfer is refused', async () => {
    await using bench = await stepBench();
    await makeRaw(bench.folder.file('a.raw'), 2 * MiB, [0, MiB]);
    const { input, parts } = await toSeal(bench);
    const transferred = parts.transferred.disks.map((disk) => ({ ...disk, digest: `sha256:${'0'.repeat(64)}` }));
    await expect(seal(bench, { ...input, transferred, verify: 'changed' })).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringContaining('.index has digest') as string,
    });
    await mkdir(bench.folder.file('x'));
    await writeFile(
      bench.folder.file('repository', parts.decided.disks[0]?.index_path ?? '').replace('.index', '.x'),
      '',
    );
  });
});
