/**
 * `npm run bench`: every figure of docs/performance.md, side by side in one run.
 * `npm run bench -- [NAME…] [--size 8G] [--rounds 3] [--delta 256M] [--line long] [--way NAME]`; names: full restore boot verify incremental validate starts
 * index files merge memory scale vsphere-full vsphere-small vsphere-restore vsphere-in-place tunnel-latency tunnel. What goes through the tunnel is 256M by default.
 * `--line loopback|gigabit|long` leaves out the other lines of the tunnel, and its memory; `--way 'ours, default'`, as often as one likes, the other
 * ways but plain `ssh -L`.
 * `restore` restores to each kind of target, or only to `--way raw`, `qcow2`, `device`, `ova`.
 * `index` is about a disk of `--sparse` (64G) with `--scattered` (8M) of data: `--sparse 2048G --scattered 200M` is that of docs/performance.md.
 * `files` looks into a disk with a file of `--size` (256M) and `--files` (5000) small ones; it needs root, to mount a copy beside: those of
 * docs/performance.md are `--size 1G --files 100000`. `--size` is also what changes between two restore points of a disk of 100 GiB.
 * `scale` looks at `--points` (300) restore points, `--chain` (10) of each VM, and backs up a group of `--vms` (30): those of docs/performance.md are
 * `--points 10000 --chain 30 --vms 300`.
 * `api` asks a hub with 10,200 restore points of 300 VMs and 50,100 runs for everything that it tells; `page` shows it in Chromium.
 * `--delta` is what `merge` merges: `256M`, or several, `64M,256M,1G`. BENCH_DIR names the folder for the disks (default: the system's temporary one).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { api } from './hub/api.ts';
import { page } from './hub/page.ts';
import { boot } from './boot.ts';
import { files } from './files.ts';
import { filesDiff } from './files-diff.ts';
import { full } from './full.ts';
import { indexSize } from './index-size.ts';
import { groupMemory } from './group-memory.ts';
import { incremental } from './incremental.ts';
import { list } from './list.ts';
import { parseSize } from './fixture.ts';
import { merge } from './merge.ts';
import { memory, starts, validate } from './small.ts';
import { restore } from './restore.ts';
import { scale } from './scale.ts';
import { schedule } from './schedule.ts';
import { tunnel } from './tunnel.ts';
import { tunnelLatency } from './tunnel-latency.ts';
import { verify } from './verify.ts';
import { vsphereFull, vsphereSmall } from './vsphere.ts';
import { vsphereInPlace } from './vsphere-in-place.ts';
import { vsphereRestore } from './vsphere-restore.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    delta: { type: 'string', default: '256M' },
    line: { type: 'string' },
    way: { type: 'string', multiple: true },
    points: { type: 'string', default: '300' },
    chain: { type: 'string', default: '10' },
    vms: { type: 'string', default: '30' },
    files: { type: 'string', default: '5000' },
    sparse: { type: 'string', default: '64G' },
    scattered: { type: 'string', default: '8M' },
  },
});
const size = values.size ?? '8G';
const bytes = parseSize(size);
const rounds = Number(values.rounds);

const benches: Readonly<Record<string, () => Promise<void>>> = {
  'validate': () => validate(rounds),
  'list': () => list(rounds),
  'scale': async () => {
    if (values.points !== '0') await scale(Number(values.points), Number(values.chain), rounds);
    if (values.vms !== '0') await groupMemory(Number(values.vms));
  },
  'starts': () => starts(rounds),
  'full': () => full(bytes, rounds),
  'restore': () => restore(bytes, rounds, values.way),
  'boot': () => boot(rounds),
  'verify': () => verify(bytes, rounds),
  'incremental': () => incremental(bytes, rounds),
  'index': () => indexSize(parseSize(values.sparse), parseSize(values.scattered), rounds),
  'files': async () => {
    await files(parseSize(values.size ?? '256M'), Number(values.files), rounds);
    await filesDiff(parseSize('100G'), parseSize(values.size ?? '256M'), rounds);
  },
  'merge': () => merge(bytes, values.delta.split(',').map(parseSize), rounds),
  'memory': () => memory(bytes),
  'schedule': () => schedule(),
  'vsphere-full': () => vsphereFull(bytes, rounds),
  'vsphere-small': () => vsphereSmall(rounds),
  'vsphere-restore': () => vsphereRestore(parseSize(values.size ?? '1G'), rounds),
  'vsphere-in-place': () => vsphereInPlace(parseSize(values.size ?? '512M'), rounds),
  'tunnel-latency': () => tunnelLatency(rounds),
  'api': () => api(),
  'page': () => page(),
  'tunnel': () => tunnel(parseSize(values.size ?? '256M'), rounds, values.line, values.way),
};

const unknown = positionals.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
console.log(
  `${cpus().length} x ${cpus()[0]?.model ?? 'cpu'}, node ${process.version}, disk of ${size}, ${rounds} rounds, in turn, medians`,
);
for (const [name, run] of Object.entries(benches)) {
  if (positionals.length === 0 || positionals.includes(name)) await run();
}
