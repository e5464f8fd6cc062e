import { truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { endFilesKeeper } from '../e2e/files-keepers.ts';
import { pointsOf } from '../e2e/redate.ts';
import { backupPlan, workspace, type Workspace } from '../e2e/workspace.ts';
import { writeDisk } from './fixture.ts';
import { compete, printTable, type Contender } from './measure.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/**
 * `files diff` of two restore points of a sparse disk with two partitions: of a disk of `size` and of one that is a tenth of it, with
 * `changed` bytes and with a tenth of them. Neither restore point is open before.
 */
export async function filesDiff(size: number, changed: number, rounds: number): Promise<void> {
  const cases = [
    { disk: size, bytes: changed },
    { disk: size, bytes: changed / 10 },
    { disk: size / 10, bytes: changed },
    { disk: size, bytes: 0 },
  ];
  await using stack = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const { disk, bytes } of cases) {
    const work = stack.use(await workspace({ ownProcess: true }));
    stack.defer(() => endFilesKeeper(work));
    contenders.push(await differing(work, disk, Math.round(bytes)));
  }
  printTable('What changed between two restore points', await compete(contenders, rounds));
}

async function differing(work: Workspace, disk: number, changed: number): Promise<Contender> {
  const image = work.path('disk.raw');
  const part = Math.floor(disk / 2 / MiB) - 2;
  await writeFile(image, '');
  await truncate(image, disk);
  await execa('sfdisk', ['-q', image], { input: `label: gpt\nsize=${part}MiB\nsize=${part}MiB\n` });
  for (const at of [1, part + 1])
    await execa('mkfs.ext4', ['-q', '-F', '-E', `offset=${at * MiB}`, image, `${part * 1024}k`]);
  await work.write('plan.yaml', backupPlan(['disk.raw']));
  await backUp(work);
  if (changed > 0) {
    await writeDisk(work.path('new'), changed);
    await execa('debugfs', ['-w', '-R', `write ${work.path('new')} added`, `${image}?offset=${MiB}`]);
  }
  await backUp(work);
  const [before = '', after = ''] = await pointsOf(work, 'pgtest1');
  const name = `${disk / GiB} GiB, ${(changed / GiB).toFixed(1)} GiB changed`;
  return {
    name,
    prepare: async () => void (await work.call(['files', 'close', '--all'])),
    async run() {
      const { stdout, stderr, exitCode } = await work.call(['files', 'diff', before, after]);
      const expected = changed > 0 ? '+ disk-0p1:/added' : '';
      if (exitCode !== 0 || stdout !== expected) throw new Error(`${name}: ${stdout} ${stderr}`);
    },
  };
}

async function backUp(work: Workspace): Promise<void> {
  const { finished, stderr } = await work.run('plan.yaml');
  if (finished.status !== 'succeeded') throw new Error(stderr);
}
