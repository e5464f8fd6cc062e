import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readPsk } from '../../src/host/nbd/psk-file.ts';
import { largeBytes } from '../../src/host/net/large-packets.ts';
import { runFolderOf } from '../../src/host/programs/run-folder.ts';
import { startNode } from '../../src/node/start-node.ts';
import { pskFolderOf } from '../../src/steps/nbd/data-address.ts';
import { cuttableLink, type CuttableLink } from '../host/cuttable-link.ts';
import { sabotage } from '../host/saboteur.ts';
import { until } from '../node/support.ts';
import { freePorts } from '../support/free-ports.ts';
import { leftovers } from './nothing-left.ts';
import {
  backupPlan,
  disksOf,
  incrementalPlan,
  makeRaw,
  program,
  restorePlan,
  sameContent,
  workspace,
  writeAt,
  type RunOutcome,
  type Workspace,
} from './workspace.ts';

const MiB = 1024 * 1024;
const token = 'canary-token-0123456789abcdef';

/** A hub and a node as two machines: the node's API and the hub's data each behind a link that can be cut. */
async function apart(
  tls: 'psk' | 'none',
): Promise<Workspace & { readonly api: CuttableLink; readonly data: CuttableLink[]; readonly stateDir: string }> {
  await using stack = new AsyncDisposableStack();
  const [apiPort = 0, apiLink = 0, from = 0, to = 0] = await freePorts(4);
  const at = stack.use(
    await workspace({
      settings: `version: 1
state: ./state/sendense.db
repositories:
  primary: { path: ./repository }
ports: { from: ${from}, to: ${to} }
nodes:
  esx:
    mode: direct
    url: http://127.0.0.1:${apiLink}
    token: { secret: { file: ./token } }
    data: { listen: 127.0.0.1, host: 127.0.0.2, tls: ${tls} }
`,
    }),
  );
  await at.write('token', token);
  const stateDir = at.path('node');
  stack.use(await startNode({ listen: { host: '127.0.0.1', port: apiPort }, stateDir, token }));
  const link = async (host: string, port: number, toPort: number): Promise<CuttableLink> =>
    stack.use(await cuttableLink({ host, port }, { host: '127.0.0.1', port: toPort }));
  const api = await link('127.0.0.1', apiLink, apiPort);
  const data = [await link('127.0.0.2', from, from), await link('127.0.0.2', to, to)];
  const kept = stack.move();
  return { ...at, api, data, stateDir, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const jobsOf = (stateDir: string): string[] => readdirSync(join(stateDir, 'jobs'));
const slow = 'node: esx\nlimits: { diskRate: 8MiB }\n';

test('a backup over TLS outlives cuts of control and data, and its key is nowhere', { timeout: 300_000 }, async () => {
  await using at = await apart('psk');
  const disk = at.path('disk.raw');
  await makeRaw(disk, 32 * MiB, [[0, 20 * MiB]]);
  await at.write('full.yaml', backupPlan([disk], slow));
  await at.write('next.yaml', incrementalPlan([disk], slow));
  const [data] = at.data;
  if (!data) throw new Error('no link');

  const keyOfRun = new Map<string, string>();
  const seen: string[] = [];
  const over = new AbortController();
  /** Looks for keys, and at what everyone may see of a process. */
  const looking = (async () => {
    const runFolders = dirname(runFolderOf('any'));
    while (!over.signal.aborted) {
      for (const run of existsSync(runFolders) ? readdirSync(runFolders) : [])
        await readPsk(pskFolderOf(run)).then(
          (key) => key && keyOfRun.set(run, key),
          () => undefined,
        );
      seen.push(...processesSeen());
      await delay(100);
    }
  })();
  const runs: RunOutcome[] = [];
  for (const [plan, change] of [
    ['full.yaml', null],
    ['next.yaml', 5 * MiB],
  ] as const) {
    if (change !== null) await writeAt(disk, [change, Buffer.alloc(4 * MiB, 3)]);
    const sent = data.sent();
    await using _cuts = sabotage(data, [
      { atBytes: sent + MiB, what: 'cut', ms: 700 },
      { atBytes: sent + 2.5 * MiB, what: 'blip', ms: 0 },
    ]);
    // Not before the question that looks whether large packets pass.
    const begun = at.api.sent() + largeBytes;
    await using _control = sabotage(at.api, [{ atBytes: begun + 6000, what: 'cut', ms: 900 }]);
    runs.push(await at.run(plan));
  }
  over.abort();
  await looking;
  for (const { finished, exitCode, events } of runs) {
    expect(finished).toMatchObject({ status: 'succeeded' });
    // Done: a break that was outlived is told of, and is no warning.
    expect(exitCode).toBe(0);
    expect(finished.warnings).toEqual([]);
    const said = events.flatMap((event) => (event.type === 'step.log' ? [event.message] : []));
    expect(said).toContainEqual(expect.stringMatching(/^the connection to the hub broke (once|\d times), /));
  }
  expect(disksOf(runs[1]!)[0]).toMatchObject({ mode: 'incremental' });
  await at.write('restore.yaml', restorePlan('./restored'));
  expect((await at.run('restore.yaml')).exitCode).toBe(0);
  const [restored = ''] = readdirSync(at.path('restored')).filter((name) => /\.(raw|qcow2)$/.test(name));
  expect(await sameContent(disk, at.path('restored', restored))).toBe(true);
  expect(leftovers(at.folder)).toEqual([]);
  expect(jobsOf(at.stateDir)).toEqual([]);

  // Other tests make keys meanwhile.
  const keys = new Set(runs.map(({ finished }) => keyOfRun.get(finished.run_id) ?? ''));
  expect(keys.size).toBe(2);
  expect(keys).not.toContain('');
  for (const key of keys) {
    expect(seen.filter((found) => found.includes(key))).toEqual([]);
    expect(filesWith(at.folder, key)).toEqual([]);
    for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain(key);
  }
});

test('a cut of the data that is too long fails cleanly', { timeout: 300_000 }, async () => {
  await using at = await apart('none');
  const disk = at.path('disk.raw');
  await makeRaw(disk, 32 * MiB, [[0, 32 * MiB]]);
  await at.write('full.yaml', backupPlan([disk], `${slow}transfer: { reconnect: 1s }\n`));
  const running = at.run('full.yaml');
  await until(() => at.data[0] && at.data[0].sent() > MiB, 'it copies');
  for (const link of at.data) await link.cut();
  const { finished, exitCode } = await running;
  expect(exitCode).toBe(1);
  expect(finished.error).toMatchObject({
    code: 'nbd.lost',
    message: expect.stringContaining('did not come back within 1 s'),
  });
  expect(leftovers(at.folder)).toEqual([]);
  expect(jobsOf(at.stateDir)).toEqual([]);
});

test(
  'a node out of reach when the run is undone: exit 16, and recover cleans up once it is back',
  { timeout: 300_000 },
  async () => {
    await using at = await apart('none');
    const disk = at.path('disk.raw');
    await makeRaw(disk, 32 * MiB, [[0, 32 * MiB]]);
    await at.write('full.yaml', backupPlan([disk], slow));
    const hub = spawn(process.execPath, [program, '--json', 'run', 'full.yaml'], {
      cwd: at.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(hub, 'exit') as Promise<[number]>;
    const said = text(hub.stdout);
    hub.stderr.resume();
    await until(() => at.data[0] && at.data[0].sent() > MiB, 'it copies');
    await at.api.cut();
    hub.kill('SIGINT');
    expect((await ended)[0]).toBe(16);
    expect(await said).toContain('undo.failed');
    expect(jobsOf(at.stateDir)).toHaveLength(1);
    expect(
      readdirSync(at.path('repository'), { recursive: true }).filter(
        (name) => /\.(json|index)$/.test(String(name)) && !String(name).startsWith('.sendense/locks/'),
      ),
    ).toEqual(['sendense-repository.json']);

    expect((await at.call(['recover'])).exitCode).toBe(16);
    await at.api.mend();
    expect((await at.call(['recover'])).exitCode).toBe(0);
    expect(leftovers(at.folder)).toEqual([]);
    expect(jobsOf(at.stateDir)).toEqual([]);
  },
);

/** Command lines and environments of all our processes. */
function processesSeen(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) =>
      ['cmdline', 'environ'].map((what) => {
        try {
          return readFileSync(`/proc/${pid}/${what}`, 'utf8');
        } catch {
          return '';
        }
      }),
    )
    .filter((found) => /sendense|nbd/.test(found));
}

const filesWith = (folder: string, secret: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(secret));
