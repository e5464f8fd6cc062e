import { cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestChecksum } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/schemas/types.ts';
import { change, fixture, plan } from './fixture.ts';
import { compete, printTable, type Row } from './measure.ts';

const KiB = 1024;
const diskBytes = 256 * KiB;

/**
 * What looks at many small restore points costs: programs and waits count here, not bytes.
 * @param chain restore points of each VM: a full and incrementals, each built on the one before
 */
export async function scale(count: number, chain: number, rounds: number): Promise<void> {
  await using work = await fixture(diskBytes);
  await writeFile(work.path('plan.yaml'), plan('vm'));
  for (let point = 0; point < chain; point++) {
    if (point > 0) await change(work.disk, diskBytes, 0.25);
    await work.sendense('run', 'plan.yaml', '--quiet');
  }
  const vms = Math.ceil(count / chain);
  await multiply(work.path('repository'), vms);
  await work.sendense('repo', 'import', 'primary');
  const rows = await compete(
    [
      { name: 'check --quick', run: async () => void (await work.sendense('check', '--quick')) },
      {
        name: 'verify --level quick',
        run: async () => void (await work.sendense('verify', '--points', 'all', '--level', 'quick')),
      },
      { name: 'verify', run: async () => void (await work.sendense('verify', '--points', 'all')) },
    ],
    rounds,
  );
  const points = vms * chain;
  printTable(
    `${points} restore points of a disk of ${diskBytes / KiB} KiB, ${chain} of each VM; target for 10,000: 60 s`,
    rows,
  );
  for (const row of rows) console.log(`  ${row.name}: ${eachOf(row, points)}`);
}

const eachOf = ({ median, processor = 0 }: Row, points: number): string =>
  `${((median / points) * 1000).toFixed(2)} ms a point, ${((processor / points) * 1000).toFixed(2)} ms of processor time`;

/** Copies the one VM of the repository as other VMs. */
async function multiply(root: string, vms: number): Promise<void> {
  const names = (await readdir(join(root, 'vm'))).filter((entry) => entry.endsWith('.json'));
  for (let number = 1; number < vms; number++) {
    const context = `vm${number}`;
    await mkdir(join(root, context));
    await cp(join(root, 'vm', 'disk-0'), join(root, context, 'disk-0'), { recursive: true });
    for (const name of names) await copyManifest(root, name, context);
  }
}

async function copyManifest(root: string, name: string, context: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(root, 'vm', name), 'utf8')) as Manifest;
  const disks = await Promise.all(
    manifest.disks.map(async (disk) => {
      const { mtimeNs } = await stat(join(root, context, disk.path), { bigint: true });
      return { ...disk, file_mtime_ns: String(mtimeNs) };
    }),
  );
  const { checksum: _own, ...content } = manifest;
  const copy = {
    ...content,
    disks: disks as unknown as Manifest['disks'],
    vm: { ...manifest.vm, name: context, context },
  };
  const text = `${JSON.stringify({ ...copy, checksum: manifestChecksum(copy) }, null, 2)}\n`;
  await writeFile(join(root, context, name), text, { mode: 0o400 });
}
