import { randomUUID } from 'node:crypto';
import type { CancelSignals } from '../../engine/run-options.ts';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { RunRequest } from '../../hub/runs/run-request.ts';
import type { HubRepositories, PlanOutput, RunFinishedEvent, RunStartedOutput } from '../../schemas/types.ts';
import { planReport } from '../../view/reports/plan-report.ts';
import type { CommandContext } from '../command.ts';
import { worstOf } from '../exit-codes.ts';
import { print } from '../print.ts';
import { noCommandOrPlan } from '../plan-file.ts';
import { reportError } from '../report-error.ts';
import { runPlan } from '../run-plan.ts';
import { absolute } from './remote-choose.ts';
import { followLog } from './follow-log.ts';
import type { HubConnection } from './hub-connection.ts';

type Watch = Pick<RunRequest, 'emit' | 'cancel'>;

/** Runs plans that the hub knows, by their names, one after another. */
export async function runPlans(context: CommandContext, hub: HubConnection): Promise<number> {
  if (context.options['dryRun'] === true) return previewPlans(context, hub);
  using signals = installSignals();
  const codes: number[] = [];
  for (const name of plansIn(context)) {
    if (signals.gently.aborted) break;
    codes.push(await beginAndShow(context, hub, { name, path: runsOf(name), body: modeIn(context) }, signals));
  }
  return worstOf(codes);
}

/** `schedule run` of a plan that has a schedule. */
export async function runScheduled(context: CommandContext, hub: HubConnection): Promise<number> {
  using signals = installSignals();
  const [name = ''] = context.args;
  return await beginAndShow(context, hub, { name, path: runsOf(name), body: {} }, signals);
}

/** What each plan would do. */
export async function previewPlans(context: CommandContext, hub: HubConnection): Promise<number> {
  const codes: number[] = [];
  for (const name of plansIn(context))
    try {
      const path = `/api/v1/plans/${encodeURIComponent(name)}/preview`;
      const output = await hub.ask<PlanOutput>(path, { method: 'POST', body: modeIn(context) });
      print(context, output, (options) => planReport(output, options));
      codes.push(0);
    } catch (error) {
      const told = asWord(context, name, error);
      codes.push(await reportError(told, { terminal: context.terminal, json: context.global.json }));
    }
  return worstOf(codes);
}

/** Who wrote no `run` may have meant a command. */
function asWord({ implied }: CommandContext, name: string, error: unknown): unknown {
  const isUnknown = error instanceof SendenseError && error.code === 'plan.unknown';
  return implied && isUnknown ? noCommandOrPlan(name) : error;
}

interface VerifyWords {
  readonly vm?: readonly string[];
  readonly point?: string;
  readonly level?: string;
  readonly points?: string;
  readonly rate?: string;
  readonly files?: boolean;
  readonly boot?: boolean;
  readonly serial?: string;
  readonly agent?: boolean;
  readonly accel?: string;
  readonly dryRun?: boolean;
}

export async function verify(context: CommandContext, hub: HubConnection): Promise<number> {
  const {
    vm: vms,
    point,
    level,
    points,
    rate,
    files,
    boot,
    serial,
    agent,
    accel,
    dryRun,
  } = context.options as VerifyWords;
  if (boot !== true && (serial !== undefined || agent === true))
    throw new SendenseError('usage', '--serial and --agent are for --boot');
  const body = {
    repository: context.options['repository'] ?? (await onlyRepository(hub)),
    vms,
    point: point === undefined ? undefined : absolute(point),
    level,
    points,
    rate,
    files,
    ...(boot === true ? { boot: { serial, agent, accel } } : {}),
  };
  if (dryRun === true) {
    const output = await hub.ask<PlanOutput>('/api/v1/verifications/preview', { method: 'POST', body });
    print(context, output, (options) => planReport(output, options));
    return 0;
  }
  using signals = installSignals();
  return await beginAndShow(context, hub, { name: 'verify', path: '/api/v1/verifications', body }, signals);
}

async function onlyRepository(hub: HubConnection): Promise<string> {
  const { repositories } = await hub.ask<HubRepositories>('/api/v1/repositories');
  const names = repositories.map(({ repository }) => repository);
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw new SendenseError('usage', `there are several repositories: ${names.join(', ')}; name one with --repository`);
}

const runsOf = (plan: string): string => `/api/v1/plans/${encodeURIComponent(plan)}/runs`;

const modeIn = ({ options }: CommandContext): { readonly mode?: string } =>
  options['mode'] === undefined ? {} : { mode: String(options['mode']) };

/** Plans of a hub have names; what lies in files of this machine it does not run. @throws SendenseError `usage` */
function plansIn({ args, global }: CommandContext): readonly string[] {
  for (const name of args)
    if (name === '-' || /[/\\]|\.ya?ml$/.test(name))
      throw new SendenseError('usage', `with --hub, a plan goes by its name at the hub: ${name} is a file`, {
        remedy: `Write what stands after \`name:\` in the plan, without .yaml.${global.json ? '' : ' `sendense-run status` shows the plans that the hub knows.'}`,
      });
  return args;
}

interface Begin {
  /** Shown where the run does not begin. */
  readonly name: string;
  readonly path: string;
  readonly body: object;
}

/** Begins a run at the hub, and shows it as one of this machine. */
export const beginAndShow = (
  context: CommandContext,
  hub: HubConnection,
  begin: Begin,
  signals: CancelSignals,
): Promise<number> =>
  runPlan(
    context,
    {
      file: begin.name,
      begin: (_hub, watch) =>
        beginAndFollow(hub, begin, watch).catch((error: unknown) => {
          throw asWord(context, begin.name, error);
        }),
    },
    signals,
  );

async function beginAndFollow(
  hub: HubConnection,
  { path, body }: Begin,
  { emit, cancel }: Watch,
): Promise<RunFinishedEvent> {
  const headers = { 'idempotency-key': randomUUID() };
  const { run_id: id } = await hub.ask<RunStartedOutput>(path, { method: 'POST', body, headers });
  const stop = (): void => {
    // It is told by the log; one that cannot be stopped goes on, and says so.
    void hub.ask(`/api/v1/runs/${encodeURIComponent(id)}/cancel`, { method: 'POST' }).catch(() => {});
  };
  cancel?.gently.addEventListener('abort', stop, { once: true });
  if (cancel?.gently.aborted) stop();
  try {
    for await (const event of followLog(hub, id, { follow: true, signal: cancel?.atOnce })) {
      emit?.(event);
      if (event.type === 'run.finished' && event.run_id === id) return event;
    }
  } catch (error) {
    if (!(error instanceof SendenseError) || error.code !== 'remote.unreachable') throw error;
    throw new SendenseError('remote.unreachable', `${error.message}; run ${id} goes on at the hub`, { cause: error });
  } finally {
    cancel?.gently.removeEventListener('abort', stop);
  }
  if (cancel?.atOnce.aborted)
    throw new SendenseError('run.cancelled', `run ${id} was asked to stop; it cleans up at the hub`);
  throw new SendenseError('run.crashed', `the log of run ${id} has no end`, {
    remedy: `\`sendense-run${hub.place.words} show --run ${id}\` says what became of it.`,
  });
}
