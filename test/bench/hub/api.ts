import { hubApi } from '../../../src/hub/routes/index.ts';
import { median } from '../measure.ts';
import { cpuOf } from '../tunnel/process-figures.ts';
import { bigHub, type BigHub } from './big-hub.ts';
import { printFigures, type Figure } from './goals.ts';
import { asker, type Asker } from './requests.ts';

const goalMs = 100;
const goalBytes = 300_000;
const rounds = 15;
/** Below this many requests, which are what one peer may ask in a minute. */
const mostRequests = 50_000;
const loadMs = 12_000;
const loadAtOnce = 8;

/** Every route of the hub that reads: how long it takes, and how long its answer is. Then how many requests a core answers. */
export async function api(): Promise<void> {
  await using hub = await bigHub();
  using ask = asker(hub.url, hub.token, loadAtOnce);
  const left: string[] = [];
  const rows: Row[] = [];
  for (const route of readRoutes()) {
    const path = pathOf(route, hub);
    if (path === null) {
      left.push(`${route.path}: no example for a parameter`);
      continue;
    }
    const row = await measure(route.path, path, hub, ask);
    if (typeof row === 'string') left.push(row);
    else rows.push(row);
  }
  printRows(rows);
  if (left.length > 0) console.log(`\nNot measured:\n${left.map((line) => `  ${line}`).join('\n')}`);
  printFigures('Requests that a core answers', await load(hub, ask));
}

interface Row {
  readonly path: string;
  readonly cold: number;
  readonly worst: number;
  readonly again: number;
  readonly bytes: number;
}

type ReadRoute = (typeof hubApi.routes)[number];

/** Those about files ask a keeper of files, which `npm run bench -- files` measures. */
const readRoutes = (): ReadRoute[] =>
  hubApi.routes.filter(
    ({ method, answers, path }) =>
      method === 'GET' && answers[200]?.schema !== undefined && !path.startsWith('/api/v1/restore/'),
  );

/** A path with examples for what it needs; null: there is none for a parameter. */
function pathOf({ path, params = {}, query = {} }: ReadRoute, { examples }: BigHub): string | null {
  const { vm, plan, run, backup, repository } = examples;
  const byName: Readonly<Record<string, string | undefined>> = {
    vm,
    vm_name: vm,
    plan,
    repository,
    from: String(Date.now()),
    to: String(Date.now() + 7 * 86_400_000),
  };
  const byFolder: Readonly<Record<string, string | undefined>> = {
    plans: plan,
    runs: run,
    backups: backup,
    schedules: plan,
    repositories: repository,
    vms: vm,
  };
  let filled = path;
  for (const name of Object.keys(params)) {
    const folder = new RegExp(`/(\\w+)/\\{${name}\\}`).exec(path)?.[1] ?? '';
    const value = byName[name] ?? byFolder[folder];
    if (value === undefined) return null;
    filled = filled.replace(`{${name}}`, encodeURIComponent(value));
  }
  const asked = new URLSearchParams();
  for (const [name, { required }] of Object.entries(query)) {
    if (required !== true) continue;
    const value = byName[name];
    if (value === undefined) return null;
    asked.set(name, value);
  }
  return asked.size === 0 ? filled : `${filled}?${asked.toString()}`;
}

/** After a change, when nothing is remembered, and again. */
async function measure(name: string, path: string, hub: BigHub, ask: Asker): Promise<Row | string> {
  const first = await ask.get(path);
  if (first.status !== 200) return `${path}: ${first.status} ${first.text.slice(0, 200)}`;
  const [cold, again]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    hub.change();
    cold.push((await ask.get(path)).ms);
    again.push((await ask.get(path)).ms);
  }
  return { path: name, cold: median(cold), worst: Math.max(...cold), again: median(again), bytes: first.bytes };
}

function printRows(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ path }) => path.length));
  console.log(
    `\n10,200 restore points of 300 VMs, 50,100 runs; goal: ${goalMs} ms after a change, ${goalBytes / 1000} kB`,
  );
  console.log(`  ${'GET'.padEnd(width)}   after a change     worst   again ms        kB`);
  for (const { path, cold, worst, again, bytes } of rows.toSorted((a, b) => b.cold - a.cold))
    console.log(
      `  ${path.padEnd(width)}  ${cold.toFixed(1).padStart(15)}${worst.toFixed(1).padStart(10)}${again.toFixed(1).padStart(11)}${(bytes / 1000).toFixed(1).padStart(10)}${
        cold > goalMs || bytes > goalBytes ? '   MISSED' : ''
      }`,
    );
}

/** Reads as pages and scripts make them, as many as one core of the hub answers. */
async function load(hub: BigHub, ask: Asker): Promise<Figure[]> {
  const { vm, run, backup } = hub.examples;
  const paths = [
    '/api/v1/status',
    '/api/v1/runs?limit=50',
    `/api/v1/runs/${run}`,
    `/api/v1/backups/${backup}`,
    `/api/v1/vms/${vm}`,
    `/api/v1/backups?vm_name=${vm}&limit=20`,
    '/api/v1/plans?limit=50',
    '/api/v1/health',
  ];
  const figures: Figure[] = [];
  for (const [name, those] of [
    ['reads of one thing', paths.slice(2, 5)],
    ['a mix of reads', paths],
  ] as const) {
    for (const path of those) await ask.get(path);
    const before = cpuOf([hub.pid]);
    const begun = performance.now();
    let asked = 0;
    await Promise.all(
      Array.from({ length: loadAtOnce }, async () => {
        while (asked < mostRequests / 2 && performance.now() - begun < loadMs) {
          const path = those[asked++ % those.length] ?? '';
          const { status } = await ask.get(path);
          if (status !== 200) throw new Error(`${path}: ${status}`);
        }
      }),
    );
    const seconds = (performance.now() - begun) / 1000;
    const processor = cpuOf([hub.pid]) - before;
    figures.push(
      { name: `${name}, for each second of a core`, value: asked / processor, unit: '/s', goal: 1000, least: true },
      { name: `${name}, by the clock, beside who asks`, value: asked / seconds, unit: '/s' },
    );
  }
  return figures;
}
