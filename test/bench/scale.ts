import { cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestChecksum } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/schemas/types.ts';
import { fixture } from './fixture.ts';
import { compete, printTable } from './measure.ts';

const KiB = 1024;

/** What looks at many small restore points costs: programs and waits count here, not bytes. */
export async function scale(count: number, rounds: number): Promise<void> {
  await using work = await fixture(128 * KiB);
  await work.sendense('run', await planOf(work));
  await multiply(work.path('repository'), count);
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
  printTable(`${count} restore points of 128 KiB, each a VM of its own; target for 10,000: 60 s`, rows);
}

async function planOf(work: { path(...names: string[]): string; disk: string }): Promise<string> {
  const file = work.path('scale.yaml');
  await writeFile(
    file,
    `version: 1\nkind: backup\nname: scale\nvm: { name: vm, source: { type: image, disks: [{ path: ${work.disk} }] } }\nrepository: primary\n`,
  );
  return file;
}

/** Copies the one restore point of the repository as that of other VMs. */
async function multiply(root: string, count: number): Promise<void> {
  const name = (await readdir(join(root, 'vm'))).find((entry) => entry.endsWith('.json')) ?? '';
  const manifest = JSON.parse(await readFile(join(root, 'vm', name), 'utf8')) as Manifest;
  for (let number = 1; number < count; number++) {
    const context = `vm${number}`;
    await mkdir(join(root, context, 'disk-0'), { recursive: true });
    const disks = await Promise.all(
      manifest.disks.map(async (disk) => {
        for (const file of [disk.path, disk.index.path]) await cp(join(root, 'vm', file), join(root, context, file));
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
}
