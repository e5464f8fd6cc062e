import { chmod, chown, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exists } from '../../src/host/files/files.ts';
import { imageInfo } from '../../src/host/images/qemu-img.ts';
import { runFolderOf } from '../../src/host/programs/run-folder.ts';
import { readManifest } from '../../src/repository/manifest.ts';
import type { PointSelectOutput, RestorePublishOutput, RestoreWriteOutput } from '../../src/schemas/types.ts';
import { insertRestorePoint, points } from '../../src/state/points/restore-points.ts';
import { pointSelect } from '../../src/steps/points/point-select.ts';
import { restorePublish } from '../../src/steps/restore/restore-publish.ts';
import { restoreVerify } from '../../src/steps/restore/restore-verify.ts';
import { restoreWrite } from '../../src/steps/restore/restore-write.ts';
import { readFolderId, serveReadOnly } from '../../src/restore-points/serve-chain.ts';
import { canMount } from '../support/loop-mount.ts';
import { smallDisk } from '../support/small-disk.ts';
import { guestWrites, makeRaw, MiB, sameContent, writeInto } from '../host/disk-images.ts';
import { backup } from './backup-run.ts';
import { listing, servers, stepBench, type StepBench } from './step-bench.ts';

const run = 'run-restore';

interface Ready {
  readonly bench: StepBench;
  readonly selected: PointSelectOutput;
  readonly ids: string[];
  out(...names: string[]): string;
}

/** Two restore points of two disks, made once. */
const template = await stepBench();
const ids: string[] = [];
beforeAll(async () => {
  await makeRaw(template.folder.file('a.raw'), 2 * MiB, [0, MiB]);
  await makeRaw(template.folder.file('b.raw'), MiB, [0, 4096]);
  ids.push((await backup(template, { run: 'run-000001', disks: ['a.raw', 'b.raw'] })).backup_id);
  await writeInto(template.folder.file('a.raw'), [MiB, 100]);
  ids.push((await backup(template, { run: 'run-000002', disks: ['a.raw', 'b.raw'] })).backup_id);
  template.state.close();
}, 300_000);
afterAll(() => template[Symbol.asyncDispose]());

/** A copy of the template, the newer restore point selected. */
async function ready(): Promise<Ready & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const bench = stack.use(await stepBench({}, template.folder.path));
  const { output } = await select(bench, {});
  const owned = stack.move();
  return {
    bench,
    selected: output,
    ids,
    out: (...names) => bench.folder.file('plans', 'out', ...names),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const select = (bench: StepBench, more: object) =>
  bench.run<PointSelectOutput>(pointSelect, { repository: 'primary', vm: { name: 'pgtest1' }, ...more }, { run });

const writeInput = ({ selected }: Ready, to: object = {}) => ({
  repository: 'primary',
  disks: selected.disks,
  to: { directory: './out', format: 'raw', subformat: 'monolithicSparse', thin: false, ...to },
});
const write = (it: Ready, to: object = {}) =>
  it.bench.run<RestoreWriteOutput>(restoreWrite, writeInput(it, to), { run });
const publishInput = ({ selected }: Ready, files: RestoreWriteOutput['files']) => ({
  disks: selected.disks,
  files,
  backupId: selected.backup_id,
});

/** Runs a shell text before each start of a program, for as long as this is there. */
async function insteadOf(bench: StepBench, program: string, text: string): Promise<AsyncDisposable> {
  const { PATH: path = '' } = process.env;
  const { stdout: real } = await execa('sh', ['-c', `command -v ${program}`]);
  const folder = bench.folder.file('bin');
  await mkdir(folder);
  const script = `#!/bin/sh\nbefore() {\n${text}\n}\n(before "$@")\nexec ${real} "$@"\n`;
  await writeFile(`${folder}/${program}`, script, { mode: 0o755 });
  process.env['PATH'] = `${folder}:${path}`;
  return {
    [Symbol.asyncDispose]: async () => {
      process.env['PATH'] = path;
    },
  };
}

describe('point.select', () => {
  test('finds the newest, one by its id, the last before a time, and only the disks that are wanted', async () => {
    await using it = await ready();
    expect(it.selected).toMatchObject({
      backup_id: it.ids[1],
      disks: [{ disk: 'disk-0', capacity_bytes: 2 * MiB }, { disk: 'disk-1' }],
    });
    expect((await select(it.bench, { point: it.ids[0] })).output.backup_id).toBe(it.ids[0]);
    expect(
      (await select(it.bench, { point: { before: new Date(it.selected.created).toISOString() } })).output.backup_id,
    ).toBe(it.ids[0]);
    expect((await select(it.bench, { disks: [1] })).output.disks.map(({ disk }) => disk)).toEqual(['disk-1']);
  });

  test('a clock that was ahead once: points keep their order, those after it their times, and all are found', async () => {
    await using it = await ready();
    const { bench } = it;
    const at = Date.now();
    const day = 86_400_000;
    // The first was made when the clock was 400 days ahead, the second with the right one.
    const path = (id: string): string => bench.folder.file('repository', 'pgtest1', `${id}.json`);
    const [first, second] = await Promise.all(ids.map(async (id) => await readManifest(path(id))));
    const iso = (time: number): string => new Date(time).toISOString();
    const place = at + 400 * day;
    insertRestorePoint(bench.state, 'primary', { ...first!, created: iso(place), checksum: 'sha256:1' });
    insertRestorePoint(bench.state, 'primary', {
      ...second!,
      created: iso(at),
      sequence: place + 1,
      checksum: 'sha256:2',
    });
    expect((await select(bench, {})).output).toMatchObject({ backup_id: ids[1], created: at });
    expect((await select(bench, { point: { before: iso(at + 1) } })).output.backup_id).toBe(ids[1]);
    expect(points(bench.state).map(({ backup_id }) => backup_id)).toEqual(ids);
  });

  test.each([
    ['another VM', { vm: { name: 'nobody' } }, /VM nobody has no restore point in repository primary/],
    ['another id', { point: 'b99' }, /VM pgtest1 has no restore point b99/],
    ['a time before all', { point: { before: '2020-01-01T00:00:00Z' } }, /no restore point before 2020-01-01/],
    ['a disk that it does not have', { disks: [0, 7] }, /has no disk-7; it has disk-0, disk-1/],
  ])('%s is an error that says so', async (_name, more, message) => {
    await using it = await ready();
    await expect(select(it.bench, more)).rejects.toMatchObject({
      code: 'point.unknown',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a chain with a missing file is an error that names point, disk and file; other disks can be had', async () => {
    await using it = await ready();
    await rm(it.bench.folder.file('repository', 'pgtest1', 'disk-0', `${it.ids[0]}.qcow2`));
    await expect(select(it.bench, {})).rejects.toMatchObject({
      code: 'chain.damaged',
      message: expect.stringMatching(
        new RegExp(`${it.ids[1]}, disk-0: pgtest1/disk-0/${it.ids[0]}\\.qcow2 is missing`),
      ) as string,
    });
    expect((await select(it.bench, { disks: [1] })).output.disks).toHaveLength(1);
  });
});

describe('restore.write', () => {
  test.each([
    ['raw', {}, 'raw'],
    ['qcow2', {}, 'qcow2'],
    ['qcow2', { thin: true }, 'qcow2'],
    ['vmdk', { subformat: 'monolithicSparse' }, 'vmdk'],
    ['vmdk', { subformat: 'streamOptimized' }, 'vmdk'],
    ['vmdk-stream', {}, 'vmdk'],
    ['vhdx', {}, 'vhdx'],
  ])(
    'writes %s %j under temporary names, readable by this user alone, and changes nothing in the repository',
    async (format, more, real) => {
      await using it = await ready();
      const before = await listing(it.bench.folder.file('repository'));
      const { output } = await write(it, { format, ...more });
      expect(output.files.map(({ file }) => file)).toEqual([it.out(`disk-0.${real}`), it.out(`disk-1.${real}`)]);
      const parts = `.${run}.restore-write.sendense-part`;
      expect(await readdir(it.out())).toEqual([parts]);
      expect((await stat(it.out(parts))).mode & 0o777).toBe(0o700);
      expect((await readdir(it.out(parts))).toSorted()).toEqual([
        `disk-0.${run}.sendense-part`,
        `disk-1.${run}.sendense-part`,
      ]);
      const temporary = output.files[0]?.temporary ?? '';
      expect((await stat(temporary)).mode & 0o777).toBe(0o600);
      expect((await imageInfo(temporary, { format: real })).backingFile).toBe(
        'thin' in more ? it.selected.disks[0]?.file : undefined,
      );
      expect(await sameContent(temporary, it.bench.folder.file('a.raw'))).toBe(true);
      expect(await listing(it.bench.folder.file('repository'))).toEqual(before);
    },
  );

  test('reports progress up to the whole disk', async () => {
    await using it = await ready();
    const { progress } = await write(it);
    expect(progress.filter(({ disk }) => disk === 'disk-0').at(-1)).toMatchObject({
      phase: 'copying',
      bytes_done: 2 * MiB,
      bytes_total: 2 * MiB,
    });
  });

  test('says of an overlay what it takes, and of a copy the whole disk', async () => {
    await using it = await ready();
    const { output } = await write(it, { format: 'qcow2', thin: true });
    expect(output.files[0]?.bytes_written).toBe((await stat(output.files[0]?.temporary ?? '')).size);
    expect(output.files[0]?.bytes_written).toBeLessThan(2 * MiB);
    await using copied = await ready();
    expect((await write(copied, { format: 'raw' })).output.files[0]?.bytes_written).toBe(2 * MiB);
  });

  test('a foreign file with the name of a target is refused before anything is written, and left alone by run and undo', async () => {
    await using it = await ready();
    await mkdir(it.out());
    await writeFile(it.out('disk-1.raw'), 'foreign');
    await writeFile(it.out('.disk-0.run-other.sendense-part'), 'of another run');
    await expect(write(it)).rejects.toMatchObject({
      code: 'file.exists',
      message: `${it.out('disk-1.raw')} exists already`,
    });
    await expect(it.bench.plan(restoreWrite, writeInput(it))).rejects.toMatchObject({ code: 'file.exists' });
    await it.bench.undo(restoreWrite, restoreWrite.claim(writeInput(it) as never, it.bench.facts(restoreWrite, run)), {
      run,
    });
    expect((await readdir(it.out())).toSorted()).toEqual(['.disk-0.run-other.sendense-part', 'disk-1.raw']);
    expect(await readFile(it.out('disk-1.raw'), 'utf8')).toBe('foreign');
  });

  test('undo removes the folders that were made, and only as far as they are empty', async () => {
    await using it = await ready();
    const deep = { directory: './out/one/two/three' };
    const first = await write(it, deep);
    await it.bench.undo(restoreWrite, first.claim, { run, remembered: first.remembered });
    expect(await exists(it.out())).toBe(false);

    const second = await write(it, deep);
    await writeFile(it.out('one', 'mine'), '');
    await it.bench.undo(restoreWrite, second.claim, { run, remembered: second.remembered });
    expect(await readdir(it.out(), { recursive: true })).toEqual(['one', 'one/mine']);
  });

  test('a folder that was there stays, though it is empty', async () => {
    await using it = await ready();
    await mkdir(it.out());
    const written = await write(it);
    await it.bench.undo(restoreWrite, written.claim, { run, remembered: written.remembered });
    expect(await readdir(it.out())).toEqual([]);
  });

  test('undo after a half-done run leaves nothing', async () => {
    await using it = await ready();
    const broken = {
      ...it,
      selected: {
        ...it.selected,
        disks: it.selected.disks.map((disk, at) => (at === 1 ? { ...disk, file: '/nonexistent.qcow2' } : disk)),
      },
    };
    const failure = (await write(broken as Ready).catch((error: unknown) => error)) as {
      code: string;
      claim: unknown;
      remembered: Record<string, unknown>;
    };
    expect(failure.code).toBe('file.unreadable');
    expect(await readdir(it.out(`.${run}.restore-write.sendense-part`))).toContain(`disk-0.${run}.sendense-part`);
    await it.bench.undo(restoreWrite, failure.claim, { run, remembered: failure.remembered });
    expect(await exists(it.out())).toBe(false);
  });

  test.each([
    ['the repository', 'repository'],
    ['a folder of it', 'repository/pgtest1'],
    ['a folder to be made in it', 'repository/new/deep'],
    ['the repository by another way', 'plans/../repository/x'],
    ['a link to it', 'link'],
    ['a folder below a link to it', 'link/new'],
    ['a folder below a link to a folder of it', 'inner/new'],
  ])('%s as the target is refused, also in a dry-run', async (_name, directory) => {
    await using it = await ready();
    await symlink(it.bench.folder.file('repository'), it.bench.folder.file('link'));
    await symlink(it.bench.folder.file('repository', 'pgtest1', 'disk-0'), it.bench.folder.file('inner'));
    const before = await listing(it.bench.folder.file('repository'));
    const to = { directory: it.bench.folder.file(directory) };
    await expect(write(it, to)).rejects.toMatchObject({
      code: 'target.unfit',
      message: expect.stringContaining('inside the repository') as string,
    });
    await expect(it.bench.plan(restoreWrite, writeInput(it, to))).rejects.toMatchObject({ code: 'target.unfit' });
    expect(await listing(it.bench.folder.file('repository'))).toEqual(before);
  });

  test('a folder beside the repository whose name begins like it is fine', async () => {
    await using it = await ready();
    expect((await write(it, { directory: it.bench.folder.file('repository-restored') })).output.files).toHaveLength(2);
  });

  test.each([
    ['raw', {}],
    ['qcow2', {}],
    ['qcow2', { thin: true }],
    ['vmdk', {}],
  ])('links that the owner of the target plants while %s %j is written are not followed', async (format, more) => {
    if (process.geteuid?.() !== 0) return;
    await using it = await ready();
    await mkdir(it.out());
    await chmod(it.out(), 0o777);
    await chown(it.out(), 65_534, 65_534);
    const victim = it.bench.folder.file('victim');
    await writeFile(victim, 'precious', { mode: 0o644 });
    // What he can do between the start of qemu-img and its first look at the file, done in that very moment.
    await using _plant = await insteadOf(
      it.bench,
      'qemu-img',
      `cd ${it.out()} || exit 9
for name in "$@"; do case "$name" in *.sendense-part)
  ln -s ${victim} ${it.out()}/"\${name##*/}" 2>/dev/null
  for parts in .*.sendense-part; do
    [ -d "$parts" ] && [ ! -L "$parts" ] || continue
    mv "$parts" away && mkdir "$parts" && ln -s ${victim} "$parts/\${name##*/}" && chown -R 65534 "$parts" && chmod 777 "$parts"
  done ;;
esac; done`,
    );
    const disks = it.selected.disks.slice(0, 1);
    const one = { ...it, selected: { ...it.selected, disks } };
    const { output, claim, remembered } = await write(one, { format, ...more });
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect((await stat(victim)).mode & 0o777).toBe(0o644);
    // What was written is not where it should be any more: nothing of his is taken for it, and nothing of ours goes.
    await expect(it.bench.run(restorePublish, publishInput(one, output.files), { run })).rejects.toMatchObject({
      code: 'file.unreadable',
      message: expect.stringContaining('somebody else has put something in the place of') as string,
    });
    await it.bench.undo(restoreWrite, claim, { run, remembered });
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect(await readdir(it.out())).not.toContain(`disk-0.${format}`);
  });

  test('a folder with the name of its own that another user made first is not used', async () => {
    if (process.geteuid?.() !== 0) return;
    await using it = await ready();
    const parts = it.out(`.${run}.restore-write.sendense-part`);
    await mkdir(parts, { recursive: true });
    await writeFile(`${parts}/disk-0.${run}.sendense-part`, 'his');
    await chown(parts, 65_534, 65_534);
    await expect(write(it)).rejects.toMatchObject({ code: 'file.exists', message: `${parts} exists already` });
    await it.bench.undo(restoreWrite, restoreWrite.claim(writeInput(it) as never, it.bench.facts(restoreWrite, run)), {
      run,
    });
    expect(await readdir(parts)).toEqual([`disk-0.${run}.sendense-part`]);
  });

  test('what an earlier version has left is removed by its claim', async () => {
    await using it = await ready();
    const temporary = it.out(`.disk-0.${run}.sendense-part`);
    await mkdir(it.out());
    await writeFile(temporary, '');
    const claim = { directory: it.out(), targets: [{ disk: 'disk-0', temporary, file: it.out('disk-0.raw') }] };
    await it.bench.undo(restoreWrite, claim, { run, remembered: {} });
    expect(await readdir(it.out())).toEqual([]);
  });

  test('a disk that is full is told with the target and what is free', async () => {
    await using it = await ready();
    const path = process.env['PATH'];
    await mkdir(it.bench.folder.file('bin'));
    await writeFile(
      it.bench.folder.file('bin', 'qemu-img'),
      '#!/bin/sh\necho "qemu-img: error while writing at byte 0: No space left on device" >&2\nexit 1\n',
      { mode: 0o755 },
    );
    process.env['PATH'] = `${it.bench.folder.file('bin')}:${path}`;
    try {
      await expect(write(it)).rejects.toMatchObject({
        code: 'disk.full',
        message: expect.stringMatching(/no space for .*disk-0\.raw: [0-9]+ bytes are free/) as string,
      });
    } finally {
      process.env['PATH'] = path;
    }
  });
});

test.runIf(canMount)('a target that fills while the disks are copied is named as a file system', async () => {
  await using it = await ready();
  await using _disk = await smallDisk(it.out(), 'size=4m');
  // qemu-img measure comes first, and finds space.
  await using _fill = await insteadOf(
    it.bench,
    'qemu-img',
    `[ "$1" = convert ] && fallocate -l 4m ${it.out('ballast')} 2>/dev/null; head -c 4m /dev/zero > ${it.out('ballast')}`,
  );
  await expect(write(it)).rejects.toMatchObject({
    code: 'disk.full',
    message: expect.stringMatching(
      /no space for .*disk-0\.raw: 0 bytes are free.*the file system at \S+out is full \(the target of the restore: \S+out\)$/s,
    ) as string,
    remedy: `Make space in the file system at ${it.out()}.`,
  });
});

describe('restore.verify', () => {
  test('finds a difference, and names disk and offset', async () => {
    await using it = await ready();
    const { output } = await write(it, { format: 'qcow2' });
    await guestWrites(output.files[1]?.temporary ?? '', 'qcow2', 'write -P 1 64k 512');
    const verifying = it.bench.run(
      restoreVerify,
      { disks: it.selected.disks, files: output.files, verify: true },
      { run },
    );
    await expect(verifying).rejects.toMatchObject({
      code: 'content.mismatch',
      message: expect.stringMatching(/disk-1: .* first at offset 65536/) as string,
    });
    expect(servers(it.bench.folder.path)).toEqual([]);
  });

  test.each([
    ['raw', {}],
    ['qcow2', {}],
    ['qcow2', { thin: true }],
    ['vmdk', {}],
  ])('%s %j: what others put in the place of its folder while it is read is not looked at', async (format, more) => {
    await using it = await ready();
    const { output } = await write(it, { format, ...more });
    // At that moment the names are known, and nothing is open yet.
    await using _swap = await insteadOf(
      it.bench,
      'qemu-nbd',
      `cd ${it.out()} || exit 9
for parts in .*.sendense-part; do
  [ -d away ] && continue
  mv "$parts" away && mkdir "$parts" || exit 9
  for file in away/*; do head -c 2097152 /dev/urandom > "$parts/\${file##*/}"; done
done`,
    );
    const input = { disks: it.selected.disks, files: output.files.slice(0, 1), verify: true };
    expect((await it.bench.run(restoreVerify, input, { run })).output).toEqual({
      verified: true,
      compared_bytes: 2 * MiB,
    });
    expect(await readdir(it.out())).toContain('away');
    expect(servers(it.bench.folder.path)).toEqual([]);
  });

  test('a folder of another user in the place of its own is not read', async () => {
    if (process.geteuid?.() !== 0) return;
    await using it = await ready();
    const { output } = await write(it);
    await chown(it.out(`.${run}.restore-write.sendense-part`), 65_534, 65_534);
    const input = { disks: it.selected.disks, files: output.files, verify: true };
    await expect(it.bench.run(restoreVerify, input, { run })).rejects.toMatchObject({
      code: 'file.unreadable',
      message: expect.stringContaining('somebody else has put something in the place of') as string,
    });
  });

  test('does nothing where it is not wanted, and says so', async () => {
    await using it = await ready();
    const input = { disks: it.selected.disks, files: [], verify: false };
    expect((await it.bench.run(restoreVerify, input, { run })).output).toEqual({ verified: false, compared_bytes: 0 });
    expect((await it.bench.plan(restoreVerify, input)).notes).toEqual([
      'verify is false: what is written is not compared',
    ]);
  });

  test('after a kill -9 in the middle, undo stops its server', async () => {
    await using it = await ready();
    await serveReadOnly(it.selected.disks[0]?.file ?? '', 'qcow2', readFolderId(run));
    await it.bench.undo(restoreVerify, restoreVerify.claim({} as never, it.bench.facts(restoreVerify, run)), { run });
    expect(servers(it.bench.folder.path)).toEqual([]);
    expect(await exists(runFolderOf(readFolderId(run)))).toBe(false);
  });
});

describe('restore.publish', () => {
  test('gives all files their names and says what was restored', async () => {
    await using it = await ready();
    const { output: written } = await write(it);
    const published = await it.bench.run<RestorePublishOutput>(restorePublish, publishInput(it, written.files), {
      run,
    });
    expect((await readdir(it.out())).toSorted()).toEqual(['disk-0.raw', 'disk-1.raw']);
    expect(published.output.disks[0]).toMatchObject({
      disk: 'disk-0',
      mode: 'full',
      reason: `restored from ${it.ids[1]}`,
      path: it.out('disk-0.raw'),
      bytes_total: 2 * MiB,
    });
    expect(await it.bench.published(restorePublish, published.claim, published.remembered)).toBe(true);
  });

  test('a foreign file that appeared meanwhile is refused; undo takes back ours and leaves that one', async () => {
    await using it = await ready();
    const { output: written } = await write(it);
    await writeFile(it.out('disk-1.raw'), 'foreign');
    const failure = (await it.bench
      .run(restorePublish, publishInput(it, written.files), { run })
      .catch((error: unknown) => error)) as { code: string; claim: unknown; remembered: Record<string, unknown> };
    expect(failure.code).toBe('file.exists');
    expect(await exists(it.out('disk-0.raw'))).toBe(true);
    expect(await it.bench.published(restorePublish, failure.claim, failure.remembered)).toBe(false);
    await it.bench.undo(restorePublish, failure.claim, { run, remembered: failure.remembered });
    expect(await exists(it.out('disk-0.raw'))).toBe(false);
    expect(await readFile(it.out('disk-1.raw'), 'utf8')).toBe('foreign');
    // What was written is still there, so that another attempt can work.
    await rm(it.out('disk-1.raw'));
    await it.bench.run(restorePublish, publishInput(it, written.files), { run });
    expect((await readdir(it.out())).toSorted()).toEqual(['disk-0.raw', 'disk-1.raw']);
    expect(await sameContent(it.out('disk-0.raw'), it.bench.folder.file('a.raw'))).toBe(true);
  });

  test('undo does not touch a file that took the name of ours later, nor anything where nothing is remembered', async () => {
    await using it = await ready();
    const { output: written } = await write(it);
    const published = await it.bench.run(restorePublish, publishInput(it, written.files), { run });
    await it.bench.undo(restorePublish, published.claim, { run, remembered: {} });
    await execa('cp', [it.out('disk-0.raw'), it.out('copy')]);
    await execa('mv', [it.out('copy'), it.out('disk-0.raw')]);
    expect(await it.bench.published(restorePublish, published.claim, published.remembered)).toBe(false);
    await it.bench.undo(restorePublish, published.claim, { run, remembered: published.remembered });
    expect(await readdir(it.out())).toEqual(['disk-0.raw']);
  });

  test('what versions left that knew directories only is undone: their claims have no target', async () => {
    await using it = await ready();
    const of = (claim: unknown): object => (claim as { own: object }).own;
    const written = await write(it);
    const published = await it.bench.run(restorePublish, publishInput(it, written.output.files), { run });
    expect(Object.keys(of(written.claim))).toEqual(['directory', 'parts', 'targets']);
    expect(of(published.claim)).toHaveLength(2);
    expect(await it.bench.published(restorePublish, of(published.claim), published.remembered)).toBe(true);
    await it.bench.undo(restorePublish, of(published.claim), { run, remembered: published.remembered });
    await it.bench.undo(restoreWrite, of(written.claim), { run, remembered: written.remembered });
    expect(await exists(it.out())).toBe(false);
  });

  test('nothing there to publish is an error', async () => {
    await using it = await ready();
    const { output: written } = await write(it);
    await rm(written.files[1]?.temporary ?? '');
    await expect(it.bench.run(restorePublish, publishInput(it, written.files), { run })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
