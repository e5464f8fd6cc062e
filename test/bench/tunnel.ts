import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { median } from './measure.ts';
import { lineKinds, type BenchLine, type LineKind } from './tunnel/lines.ts';
import { tunnelMemory } from './tunnel/memory.ts';
import { printLine, type Cell } from './tunnel/print.ts';
import { cpuOf, cpuOfEndedChildren } from './tunnel/process-figures.ts';
import { openWay, reference, startServers, wayNames, type Way, type WayName } from './tunnel/ways.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** Who writes to how many disks at once, with four connections to each. */
interface Job {
  readonly name: string;
  readonly disks: number;
  readonly writer: 'nbdcopy' | 'own';
}
const jobs: readonly Job[] = [
  { name: 'one disk, nbdcopy', disks: 1, writer: 'nbdcopy' },
  { name: 'one disk, our client', disks: 1, writer: 'own' },
  { name: 'four disks, nbdcopy', disks: 4, writer: 'nbdcopy' },
  { name: 'four disks, our client', disks: 4, writer: 'own' },
];
const mostDisks = 4;

/**
 * NBD writes from node to hub, by every way, over lines of several kinds; needs root, for hosts of their own.
 * @param bytes for one measurement on the slowest line, all disks together
 * @param only the line of this id, and no memory; default: all
 * @param names of the ways beside that with which they are compared; default: all
 */
export async function tunnel(bytes: number, rounds: number, only?: string, names?: readonly string[]): Promise<void> {
  const kinds = lineKinds.filter(({ id }) => only === undefined || id === only);
  if (kinds.length === 0) throw new Error(`no line ${only}; there are ${lineKinds.map(({ id }) => id).join(', ')}`);
  for (const kind of kinds) await overLine(kind, bytes * kind.times, rounds, waysOf(names));
  if (only === undefined) await tunnelMemory();
}

function waysOf(names: readonly string[] = wayNames): WayName[] {
  const unknown = names.find((name) => !wayNames.some((way) => way === name));
  if (unknown !== undefined) throw new Error(`no way ${unknown}; there are: ${wayNames.join('; ')}`);
  return wayNames.filter((way) => way === reference || names.includes(way));
}

async function overLine(kind: LineKind, bytes: number, rounds: number, names: readonly WayName[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'tbench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // Never on a disk: what is read must cost nothing.
  const source = await mkdtemp('/dev/shm/tbench-');
  stack.defer(() => rm(source, { recursive: true, force: true }));
  const line = stack.use(await kind.lay());
  const servers = stack.use(await startServers(line, folder));
  const ways: Way[] = [];
  for (const name of names)
    ways.push(stack.use(await openWay(name, line, servers, folder, { count: mostDisks, bytes })));
  const cells: Cell[] = [];
  for (const job of jobs) {
    const each = Math.ceil(bytes / job.disks / MiB) * MiB;
    const file = join(source, 'data');
    if (job.writer === 'nbdcopy') await writeFile(file, filled(each));
    for (let round = 0; round < rounds; round++) {
      const from = round % ways.length;
      for (const way of [...ways.slice(from), ...ways.slice(0, from)]) {
        const before = figures(way);
        const started = performance.now();
        await write(job, line, way, file, each);
        const seconds = (performance.now() - started) / 1000;
        const after = figures(way);
        const gib = (each * job.disks) / GiB;
        cells.push({
          job: job.name,
          way: way.name,
          rate: (each * job.disks) / 1e6 / seconds,
          cpu: (after.all - before.all) / gib,
          tunnelCpu: (after.tunnel - before.tunnel) / gib,
        });
      }
    }
  }
  const delays = [];
  for (const way of ways) delays.push({ way: way.name, times: await latency(line, way, kind.times > 1 ? 1000 : 50) });
  printLine(kind, names, cells, delays);
}

/** Not all the same, or zeros would be found in it; made at once. */
function filled(bytes: number): Buffer {
  const piece = randomBytes(MiB);
  const data = Buffer.allocUnsafe(bytes);
  for (let offset = 0; offset < bytes; offset += piece.length) piece.copy(data, offset);
  return data;
}

function figures(way: Way): { all: number; tunnel: number } {
  const own = cpuOf(way.tunnel());
  return { tunnel: own, all: own + cpuOf(way.disks) + cpuOfEndedChildren() };
}

async function write(job: Job, line: BenchLine, way: Way, file: string, bytes: number): Promise<void> {
  const uris = (job.writer === 'own' ? way.uris : way.nbdcopyUris).slice(0, job.disks);
  if (job.writer === 'own') {
    await ownWriter(line, way, ['copy', String(bytes), String(way.addresses), ...uris]);
    return;
  }
  const options = ['--destination-is-zero', '--flush', '--connections=4', '--requests=64', '--request-size=1048576'];
  await Promise.all(uris.map((uri) => line.node.run('nbdcopy', ...options, file, uri)));
}

async function ownWriter(line: BenchLine, { pskFolder }: Way, args: readonly string[]): Promise<string> {
  const [file = '', ...prefix] = line.node.prefix;
  const writer = [process.execPath, join(import.meta.dirname, 'tunnel/writer-child.ts')];
  const { stdout } = await execa(file, [...prefix, ...writer, ...args], { env: { BENCH_PSK: pskFolder ?? '' } });
  return stdout;
}

/** Milliseconds of one write of 64 KiB with nothing else under way: median, and 99 of 100. */
async function latency(line: BenchLine, way: Way, requests: number): Promise<{ median: number; slow: number }> {
  const times = JSON.parse(await ownWriter(line, way, ['latency', String(requests), way.uris[0] ?? ''])) as number[];
  const sorted = times.toSorted((a, b) => a - b);
  return { median: median(sorted), slow: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
}
