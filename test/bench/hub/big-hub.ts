import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { watchPlan, updateHealth } from '../../../src/state/schedules/plan-health.ts';
import { acceptPlan } from '../../../src/state/schedules/schedules.ts';
import { recordVerification } from '../../../src/state/points/point-marks.ts';
import { openState, type State } from '../../../src/state/database/open-state.ts';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import { runLogFile } from '../../../src/hub/runs/run-log/place.ts';
import { freePorts } from '../../support/free-ports.ts';
import { fixture, plan as planText, program } from '../fixture.ts';
import { fillState } from '../many-points.ts';

/** A hub with a large database, in a process of its own. */
export interface BigHub extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly token: string;
  readonly state: State;
  /** What the database has of each, as examples for the parameters of routes. */
  readonly examples: Readonly<Record<'vm' | 'plan' | 'run' | 'backup' | 'repository' | 'live', string>>;
  /** Of its user `bench`, who may do everything. */
  readonly password: string;
  /** Adds an event to the log of a run that goes on. */
  log(text: string): Promise<void>;
  /** Changes the database, so that the hub forgets what it remembers. */
  change(): void;
}

export const amount = { vms: 300, points: 34, runs: 167 } as const;

const MiB = 1024 * 1024;
const live = '20261124T000000Z-beac11';

/** 300 VMs with 10,200 restore points, 50,100 runs and a plan each. */
export async function bigHub(): Promise<BigHub> {
  const stack = new AsyncDisposableStack();
  const work = stack.use(await fixture(MiB));
  const [port = 0] = await freePorts(8);
  await writeFile(
    work.path('sendense.yaml'),
    `version: 1
repositories: { primary: { path: ./repository } }
hub: { listen: '127.0.0.1:${port}', api: '127.0.0.1:${port + 1}', nodePorts: { from: ${port + 2}, to: ${port + 5} } }
`,
  );
  await mkdir(work.path('state'));
  const path = work.path('state', 'sendense.db');
  const state = openState(path);
  stack.defer(() => state.close());
  const until = Date.now() - 3_600_000;
  fillState(state, { ...amount, until });
  state.transaction(() => fillPlans(state, until));
  verifyAll(state, until);
  insertLiveRun(state);
  const password = 'four random words here';
  await writeFile(work.path('password'), `${password}\n`, { mode: 0o600 });
  await work.sendense('user', 'add', 'bench', '--role', 'admin', '--password-file', work.path('password'));
  const logFile = runLogFile(path, live);
  await mkdir(dirname(logFile), { recursive: true });
  const log = (text: string): Promise<void> =>
    writeFile(
      logFile,
      `${JSON.stringify({ type: 'step.log', time: Date.now(), run_id: live, step: 'transfer', level: 'info', message: text })}\n`,
      {
        flag: 'a',
      },
    );
  await log('the copy has begun');
  let changes = 0;
  const pid = await startHub(stack, work.path('sendense.yaml'));
  const run = state.first(state.query.selectFrom('runs').select('id').where('vm', '=', 'vm0042').orderBy('id', 'desc'));
  const point = state.first(
    state.query.selectFrom('backups').select('backup_id').where('context', '=', 'vm0042').orderBy('backup_id', 'desc'),
  );
  return {
    url: `http://127.0.0.1:${port + 1}`,
    pid,
    token: (await readFile(work.path('state', 'hub-api.token'), 'utf8')).trim(),
    state,
    password,
    log,
    // The same value again would write nothing, and so change nothing.
    change: () =>
      void state.run(
        state.query
          .updateTable('runs')
          .set({ warnings: JSON.stringify([`change ${++changes}`]) })
          .where('id', '=', live),
      ),
    examples: {
      vm: 'vm0042',
      plan: 'vm0042-nightly',
      run: run?.id ?? '',
      backup: point?.backup_id ?? '',
      repository: 'primary',
      live,
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startHub(stack: AsyncDisposableStack, settings: string): Promise<number> {
  const hub = spawn(program, ['--config', settings, 'hub'], { stdio: ['ignore', 'pipe', 'pipe'] });
  stack.defer(async () => {
    hub.kill('SIGTERM');
    if (hub.exitCode === null && hub.signalCode === null) await once(hub, 'exit');
  });
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  for (const stream of [hub.stdout, hub.stderr])
    stream.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-10_000);
      if (said.includes('"listening"')) resolve();
    });
  hub.once('exit', () => reject(new Error(`the hub ended: ${said}`)));
  await promise;
  return hub.pid ?? 0;
}

function verifyAll(state: State, finished: number): void {
  const points = state.all(
    state.query.selectFrom('backups').select(['repository', 'context', 'backup_id as backupId']),
  );
  const verification = { level: 'digests', finished, ok: true, runId: null, bytesRead: 2 ** 32, detail: null } as const;
  state.transaction(() => {
    for (const point of points) recordVerification(state, point, verification);
  });
}

/** A nightly plan for each VM; the last run of one in forty failed. */
function fillPlans(state: State, until: number): void {
  for (let vm = 0; vm < amount.vms; vm++) {
    const name = `vm${String(vm).padStart(4, '0')}`;
    const plan = `${name}-nightly`;
    const file = `/etc/sendense/plans/${plan}.yaml`;
    const about = { kind: 'backup', vm: name, repository: 'primary' };
    const now = until - amount.points * 86_400_000;
    watchPlan(state, { plan, file, ...about, notify: null, rpo: 26 * 3_600_000 } as never, now);
    const failing = vm % 40 === 7;
    updateHealth(state, plan, {
      last_success: until - (failing ? 30 : 1) * 3_600_000,
      failing_since: failing ? until - 3_600_000 : null,
      failures: failing ? 1 : 0,
    });
    const facts = { ...about, node: null, lock: `vm:${name}`, schedule: { cron: `${vm % 60} ${1 + (vm % 5)} * * *` } };
    acceptPlan(state, { plan, file, text: planText(name), facts, stamp: '', now });
  }
}

/** A run of this process, which goes on as long as the bench does. */
function insertLiveRun(state: State): void {
  const { pid, start_time, boot_id } = thisProcess();
  state.run(
    state.query.insertInto('runs').values({
      id: live,
      plan: 'vm0042-nightly',
      kind: 'backup',
      vm: 'vm0042',
      plan_file: '/etc/sendense/plans/vm0042-nightly.yaml',
      plan_folder: '/etc/sendense/plans',
      status: 'running',
      unclean: 0,
      published: 0,
      warnings: '[]',
      owner_pid: pid,
      owner_start_time: start_time,
      owner_boot_id: boot_id,
      started: Date.now() - 60_000,
      trigger: 'schedule',
      node: 'site-b',
      repository: 'primary',
    }),
  );
}
