import { expect, test } from 'vitest';
import { createApi } from '../../../src/api/create-api.ts';
import { defaultLimits } from '../../../src/api/limits.ts';
import type { Api } from '../../../src/api/route.ts';
import { commandAsker, runStarter, type StartRun } from '../../../src/hub/runs/start-run.ts';
import { backupPlan, makeRaw, workspace, type Workspace } from '../../e2e/workspace.ts';
import { raw } from '../../node/raw-request.ts';
import { token } from '../../node/support.ts';
import { programs } from '../../programs.ts';

interface Parts {
  readonly startRun: StartRun;
}

/** An API with a route that begins a run, as one of the hub's would. */
const runsApi: Api<Parts> = {
  name: 'the test',
  title: 'Runs',
  summary: 'For tests.',
  server: { url: 'http://127.0.0.1:1', description: 'Nowhere.' },
  token: 'Where the tests have it.',
  tags: { runs: 'Runs.' },
  routes: [
    {
      id: 'startRun',
      method: 'POST',
      path: '/runs/{plan}',
      tag: 'runs',
      summary: 'Begins a run',
      params: { plan: { description: 'File of the plan.' } },
      answers: { 202: { description: 'It has begun.', type: 'application/json' } },
      errors: ['plan.invalid', 'file.unreadable', 'run.crashed', 'run.locked'],
      handle: async ({ parts, params }) => ({ run_id: await parts.startRun(['run', params['plan'] ?? '']).begun() }),
    },
  ],
};

const starterFor = (at: Workspace): StartRun =>
  runStarter({ program: [process.execPath, programs.run], settingsFile: at.path('sendense.yaml') });

async function served(startRun: StartRun): Promise<AsyncDisposable & { readonly running: { readonly url: string } }> {
  const app = await createApi(runsApi, {
    parts: { startRun },
    token,
    limits: defaultLimits,
    figures: { request: () => {}, error: () => {} },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { running: { url }, [Symbol.asyncDispose]: () => app.close() };
}

test(
  'a request begins a run in a process of its own, which goes on when the API ends',
  { timeout: 300_000 },
  async () => {
    await using at = await workspace();
    await makeRaw(at.path('disk0.raw'), 1024 * 1024, [[0, 65_536]]);
    await at.write('plan.yaml', backupPlan([at.path('disk0.raw')]));
    const start = starterFor(at);
    const begun: ReturnType<StartRun>[] = [];
    const api = await served((words) => {
      const run = start(words);
      begun.push(run);
      return run;
    });
    const { status, body } = await raw<{ run_id: string }>(
      api,
      'POST',
      `/runs/${encodeURIComponent(at.path('plan.yaml'))}`,
      '{}',
    );
    await api[Symbol.asyncDispose]();
    expect(status).toBe(202);
    expect(await begun[0]?.ended).toEqual({ exitCode: 0, error: null });
    const shown = JSON.parse((await at.call(['--json', 'show', body.run_id])).stdout) as object;
    expect(shown).toMatchObject({ points: [{ backup_id: body.run_id }] });
  },
);

test('a run that cannot begin is an error of the request, with its own code', { timeout: 300_000 }, async () => {
  await using at = await workspace();
  await at.write('plan.yaml', 'version: 1\nkind: nonsense\n');
  await using api = await served(starterFor(at));
  const invalid = await raw(api, 'POST', `/runs/${encodeURIComponent(at.path('plan.yaml'))}`, '{}');
  expect([invalid.status, invalid.body.error.code]).toEqual([422, 'plan.invalid']);
  await using gone = await served(
    runStarter({ program: ['/nowhere/sendense-run'], settingsFile: at.path('sendense.yaml') }),
  );
  const crashed = await raw(gone, 'POST', '/runs/plan.yaml', '{}');
  expect([crashed.status, crashed.body.error.code]).toEqual([500, 'run.crashed']);
});

test('a run is cancelled, and says so at its end', { timeout: 300_000 }, async () => {
  await using at = await workspace();
  const wait = 'before:\n  - run: [sleep, "60"]\n';
  await makeRaw(at.path('disk0.raw'), 1024 * 1024, []);
  await at.write('plan.yaml', backupPlan([at.path('disk0.raw')], wait));
  const run = starterFor(at)(['run', at.path('plan.yaml')]);
  await run.begun();
  run.cancel();
  expect((await run.ended).error?.code).toBe('run.cancelled');
});

test('each command that is asked takes its turn and gives it back, however it ends', { timeout: 300_000 }, async () => {
  const taken: string[] = [];
  const turns = {
    take: async () => {
      taken.push('taken');
      return { [Symbol.dispose]: () => void taken.push('back') };
    },
  };
  const ask = commandAsker({ program: ['sh', '-c', 'echo "{}"; exit 0'], settingsFile: '/etc/hosts' }, turns);
  const never = { by: 'anna', signal: new AbortController().signal };
  expect(await ask(['status'], never)).toEqual({});
  const gone = commandAsker({ program: ['/nowhere/sendense-run'], settingsFile: '/etc/hosts' }, turns);
  await expect(gone(['status'], never)).rejects.toMatchObject({ code: 'run.crashed' });
  await expect(ask(['status', '\0'], never)).rejects.toMatchObject({ code: 'request.invalid' });
  expect(taken).toEqual(['taken', 'back', 'taken', 'back']);
});
