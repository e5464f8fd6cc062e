import { open, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import type { Manifest } from '../../src/schemas/types.ts';
import { fixture, plan, writeChanges, type Area, type Fixture } from './fixture.ts';
import { compete, type Row } from './measure.ts';

const KiB = 1024;
const block = 64 * KiB;

/**
 * What the block index costs: a disk of `capacity` bytes with `data` bytes scattered over it in blocks of 64 KiB, backed up with the
 * areas given and by digest, with nothing and with 1 % of the blocks changed. All else of a run is in the times, too; the row `nothing`
 * of a disk of 1 MiB says how much that is.
 */
export async function indexSize(capacity: number, data: number, rounds: number): Promise<void> {
  const lines: string[] = [];
  for (const bytes of [1024 * KiB, capacity]) lines.push(...(await measure(bytes, Math.min(data, bytes), rounds)));
  console.log('\nBlock index: bytes of the newest point, seconds, processor seconds');
  for (const line of lines) console.log(`  ${line}`);
}

async function measure(capacity: number, data: number, rounds: number): Promise<string[]> {
  await using work = await fixture(0);
  const places = Array.from({ length: Math.floor(data / block) }, (_, at, count = Math.floor(data / block)) => ({
    offset: Math.floor((at * capacity) / count / block) * block,
    length: block,
  }));
  await sparse(work.disk, capacity, places);
  await writeFile(work.path('areas.yaml'), plan('areas', ', changes: changes.json'));
  await writeFile(work.path('digest.yaml'), plan('digest'));
  let landmark = 0;
  await writeChanges(work.path('changes.json'), capacity, 't0', null, []);
  const next = (areas: readonly Area[]): Promise<void> =>
    writeChanges(work.path('changes.json'), capacity, `t${landmark + 1}`, `t${landmark++}`, [...areas]);
  const some = places.filter((_, at) => at % 100 === 50);
  const lines: string[] = [];
  const label = `${capacity / 1024 ** 3} GiB, ${data / 1024 ** 2} MiB of data`;
  const row = async (name: string, vm: string, prepare: () => Promise<void>): Promise<void> => {
    const run = async (): Promise<void> => void (await work.sendense('run', `${vm}.yaml`, '--quiet'));
    const [measured] = await compete([{ name, prepare, run }], name === 'full' ? 1 : rounds);
    lines.push(line(`${label}: ${vm}, ${name}`, await indexBytes(work, vm), measured));
  };
  await row('full', 'areas', async () => undefined);
  await row('nothing', 'areas', () => next([]));
  await row('1 %', 'areas', async () => {
    await overwrite(work.disk, some);
    await next(some);
  });
  await row('full', 'digest', async () => undefined);
  await row('nothing', 'digest', async () => undefined);
  return lines;
}

const line = (name: string, bytes: number, row: Row | undefined): string =>
  `${name.padEnd(58)} ${String(bytes).padStart(12)} ${(row?.median ?? 0).toFixed(2).padStart(8)} ${(row?.processor ?? 0).toFixed(2).padStart(8)}`;

async function sparse(file: string, capacity: number, places: readonly Area[]): Promise<void> {
  await using handle = await open(file, 'w');
  await handle.truncate(capacity);
  for (const { offset, length } of places) await handle.write(randomBytes(length), 0, length, offset);
  await handle.sync();
}

async function overwrite(file: string, places: readonly Area[]): Promise<void> {
  await using handle = await open(file, 'r+');
  for (const { offset, length } of places) await handle.write(randomBytes(length), 0, length, offset);
  await handle.sync();
}

async function indexBytes(work: Fixture, vm: string): Promise<number> {
  const names = (await readdir(work.path('repository', vm))).filter((name) => name.endsWith('.json')).toSorted();
  const manifest = JSON.parse(await readFile(work.path('repository', vm, names.at(-1) ?? ''), 'utf8')) as Manifest;
  return (await stat(work.path('repository', vm, manifest.disks[0].index.path))).size;
}
