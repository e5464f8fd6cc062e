import { execa } from 'execa';
import { renameSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FilesDifferenceOutput, FilesMountsOutput } from '../../src/schemas/types.ts';
import { endFiles, endFilesKeeper } from './files-keepers.ts';
import { pointsOf } from './redate.ts';
import { backupPlan, workspace, type Workspace } from './workspace.ts';

let bench: Workspace;
let points: string[];

/** Two disks: two partitions on one, a file system without a table on the other. Each night changes something else. */
const nights: Readonly<Record<string, string>> = {
  first: `
    for name in a b; do
      mkdir -p tree-$name/deep
      for at in 1 2 3; do printf "$name$at" > tree-$name/deep/f$at; done
      find tree-$name -exec touch -h -d '2001-02-03 04:05:06Z' {} +
      truncate -s 16M $name.img && mkfs.ext4 -q -F -d tree-$name $name.img
    done
    truncate -s 48M one.raw two.raw
    printf 'label: gpt\\nstart=2048,size=32768,type=linux\\nstart=36864,size=32768,type=linux\\n' | sfdisk -q one.raw
    dd if=a.img of=one.raw bs=1M seek=1 conv=notrunc status=none
    dd if=b.img of=one.raw bs=1M seek=18 conv=notrunc status=none
    truncate -s 16M c.img && mkfs.ext4 -q -F -d tree-a c.img
    dd if=c.img of=two.raw bs=1M conv=notrunc status=none`,
  same: 'true',
  onePartition: `
    debugfs -w -R 'rm /deep/f2' a.img 2> /dev/null
    debugfs -w -R 'write tree-b/deep/f1 /added' a.img 2> /dev/null
    dd if=a.img of=one.raw bs=1M seek=1 conv=notrunc status=none`,
  // The first partition begins with another one's content: its name is the same, and none of the blocks that had it has changed.
  otherTable: `
    printf 'label: gpt\\nstart=36864,size=32768,type=linux\\nstart=2048,size=32768,type=linux\\n' | sfdisk -q one.raw`,
  renumbered: 'mv one.raw three.raw && mv two.raw one.raw && mv three.raw two.raw',
  grown: 'truncate -s 64M one.raw',
};

beforeAll(async () => {
  bench = await workspace();
  await bench.write('plan.yaml', backupPlan(['one.raw', 'two.raw']));
  for (const script of Object.values(nights)) {
    await execa('sh', ['-ec', script], { cwd: bench.folder });
    const run = await bench.run('plan.yaml');
    if (run.exitCode !== 0) throw new Error(run.stderr);
  }
  points = await pointsOf(bench, 'pgtest1');
});

afterAll(async () => {
  await endFiles(bench);
  await bench[Symbol.asyncDispose]();
});

const point = (night: keyof typeof nights): string => points[Object.keys(nights).indexOf(night)] ?? '';

async function diff(before: keyof typeof nights, after: keyof typeof nights, ...args: string[]) {
  const { stdout, stderr, exitCode } = await bench.call(['files', 'diff', point(before), point(after), ...args]);
  expect(exitCode, stderr).toBe(0);
  const found = stdout.split('\n').filter((line) => line !== '');
  return { found, stderr };
}

async function opened(): Promise<string[]> {
  const { stdout } = await bench.call(['files', 'open', '--json']);
  return (JSON.parse(stdout) as FilesMountsOutput).mounts.map(({ backup_id: id }) => id);
}

describe('by block index', () => {
  it('restore points with the same blocks are equal, and nothing is opened for that', async () => {
    const { found, stderr } = await diff('first', 'same');
    expect(found).toEqual([]);
    expect(stderr).toBe('no differences: all blocks of the disks are the same');
    expect(await opened()).toEqual([]);
  });

  it('a place that is not there is told all the same, by opening one of them', async () => {
    expect((await diff('first', 'same', 'disk-0p1:/deep')).found).toEqual([]);
    expect(await opened()).toEqual([point('same')]);
    const none = await bench.call(['files', 'diff', point('first'), point('same'), 'disk-0p1:/nowhere']);
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('files.path')]);
  });

  it('a volume without a changed block is not walked, and the one with some is', async () => {
    const { found, stderr } = await diff('same', 'onePartition');
    expect(found).toEqual(['+ disk-0p1:/added', '- disk-0p1:/deep/f2']);
    expect(stderr).toContain('no block differs in disk-0p2, disk-1');
    const none = await bench.call(['files', 'diff', point('same'), point('onePartition'), 'disk-0p2:/nowhere']);
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('files.path')]);
  });

  it('partitions that lie elsewhere are walked, though their blocks are the same', async () => {
    const { found, stderr } = await diff('onePartition', 'otherTable', 'disk-0p2:/', '--json');
    const paths = found.map((line) => JSON.parse(line) as FilesDifferenceOutput).map(({ path }) => path);
    expect(paths).toContain('/added');
    expect(stderr).toBe('');
  });

  it('disks that were renumbered are walked, and so is one of another size', async () => {
    const renumbered = await diff('otherTable', 'renumbered');
    expect(renumbered.found.filter((line) => line.startsWith('+ disk-0:'))).not.toEqual([]);
    expect(renumbered.found.filter((line) => line.startsWith('- disk-0p1:'))).not.toEqual([]);
    const grown = await diff('renumbered', 'grown');
    expect(grown.found).toEqual([]);
    expect(grown.stderr).toContain('no block differs in disk-1p1, disk-1p2');
    expect(grown.stderr).not.toContain('disk-0');
  });

  it('a block index that is missing, or of another restore point, is told, and all files are looked at', async () => {
    const index = (night: keyof typeof nights): string =>
      bench.path('repository', 'pgtest1', 'disk-0', `${point(night)}.index`);
    await endFilesKeeper(bench);
    renameSync(index('onePartition'), index('onePartition') + '.away');
    const { found, stderr } = await diff('same', 'onePartition');
    expect(found).toEqual(['+ disk-0p1:/added', '- disk-0p1:/deep/f2']);
    expect(stderr).toMatch(/not compared by block index: disk-0: .*all files are looked at/);
    await endFilesKeeper(bench);
    await execa('cp', [index('same'), index('onePartition')]);
    const wrong = await diff('same', 'onePartition');
    expect(wrong.found).toEqual(found);
    expect(wrong.stderr).toContain('not compared by block index: disk-0');
    rmSync(index('onePartition'), { force: true });
    renameSync(index('onePartition') + '.away', index('onePartition'));
  });
});
