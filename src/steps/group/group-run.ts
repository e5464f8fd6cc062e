import { setTimeout as delay } from 'node:timers/promises';
import type { StepContext } from '../../engine/step.ts';
import { errorToJson, toSendenseError } from '../../errors/sendense-error.ts';
import { durationMs } from '../../time/duration.ts';
import type {
  GroupedRun,
  GroupMember,
  GroupPlan,
  GroupRunInput,
  GroupRunOutput,
  RunFinishedEvent,
} from '../../schemas/types.ts';
import { admit } from '../../state/schedules/admission.ts';
import { defineStep } from '../define-step.ts';
import { planOfMember } from './child-plan.ts';
import { groupProgress, type GroupProgress } from './group-progress.ts';
import { createTurnstile, type Turnstile } from './turnstile.ts';
import { totalBytes } from '../moved-bytes.ts';
import type { Services } from '../services.ts';

/** ms between two looks whether a VM's lock, or a place among the runs, is free. */
const lookMs = 1000;

/** The VMs' runs are runs of their own, in this process: what one leaves behind is its own to clean up. */
export const groupRun = defineStep<GroupRunInput, null, GroupRunOutput>({
  uses: 'group.run',
  title: 'Back up the VMs of the group',
  /** Every run going on takes its snapshot and its files away first. */
  grace: 15 * 60_000,
  claim: () => null,

  plan: async (_context, input) => ({
    effects: input.members.map(({ context, repository, node }) => ({
      action: 'run',
      target: context,
      detail: `a backup to ${repository} by node ${node}`,
      argv: null,
    })),
    output: { runs: [] },
  }),

  async run(context, input) {
    using progress = groupProgress({
      total: input.members.length,
      report: (lines, overall) => context.progress(lines, overall),
    });
    const group: Group = {
      plan: input.group as unknown as GroupPlan,
      context,
      lockWaitMs: durationMs(input.lock_wait) ?? 0,
      progress,
      turnstile: createTurnstile(),
    };
    const waiting = [...input.members];
    const runs = new Map<GroupMember, GroupedRun>();
    const worker = async (): Promise<void> => {
      for (let member = waiting.shift(); member && !context.signal.aborted; member = waiting.shift()) {
        const run = await runMember(group, member);
        runs.set(member, run);
        progress.ended(run.status === 'succeeded');
        context.log(`${member.name}: ${outcomeText(run)} (${runs.size} of ${input.members.length})`);
      }
    };
    await Promise.all(Array.from({ length: Math.min(input.at_once, input.members.length) }, worker));
    // Somebody who stops a group wants to know what is done. Any other end of time is the failure of this step.
    if (!isCancelled(context.signal)) context.signal.throwIfAborted();
    return { runs: input.members.map((member) => runs.get(member) ?? notBegun(member, context.signal.reason)) };
  },
});

const isCancelled = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && toSendenseError(reason).code === 'run.cancelled';

interface Group {
  readonly plan: GroupPlan;
  readonly context: StepContext<Services>;
  readonly lockWaitMs: number;
  readonly progress: GroupProgress;
  readonly turnstile: Turnstile;
}

/** One VM, once its lock and a place among the runs are free. Never rejects. */
async function runMember(group: Group, member: GroupMember): Promise<GroupedRun> {
  const { context, lockWaitMs } = group;
  const until = performance.now() + lockWaitMs;
  let told = '';
  const wait = async (reason: string): Promise<void> => {
    if (reason !== told) context.log(`${member.name} waits: ${reason}`);
    told = reason;
    context.alive();
    await delay(lookMs, undefined, { signal: context.signal });
  };
  try {
    for (;;) {
      context.signal.throwIfAborted();
      const finished = await begin(group, member);
      if (typeof finished === 'string') await wait(finished);
      else if (finished.error?.code !== 'run.locked' || performance.now() >= until) return groupedRun(member, finished);
      else await wait(finished.error.message);
    }
  } catch (error) {
    return notBegun(member, error);
  }
}

/** Why it may not begin now, or how it ended. They ask one after the other, so that who was let in is counted before the next. */
async function begin(
  { context, plan, progress, turnstile }: Group,
  member: GroupMember,
): Promise<string | RunFinishedEvent> {
  const { services, runId, signal } = context;
  const leave = await turnstile.enter();
  try {
    const place = admit(services.state, member, services.settings.limits);
    if (!place.admitted) return place.reason;
    return await services.runPlan({
      text: planOfMember(plan, member),
      origin: { trigger: 'group', parentRun: runId },
      signal,
      emit(event) {
        if (event.type === 'step.started') leave();
        progress.follow(member.context, event);
      },
    });
  } finally {
    leave();
  }
}

const groupedRun = ({ name, context, plan }: GroupMember, finished: RunFinishedEvent): GroupedRun => ({
  vm: name,
  context,
  plan,
  run_id: finished.run_id,
  status: finished.status,
  exit_code: finished.exit_code,
  backup_id: finished.backup_id,
  kind: kindOf(finished),
  bytes_transferred: finished.disks.reduce((sum, disk) => sum + disk.bytes_transferred, 0),
  ...totalBytes(finished.disks, 'bytes_read'),
  ...totalBytes(finished.disks, 'bytes_sent'),
  ...totalBytes(finished.disks, 'bytes_stored'),
  duration_ms: finished.duration_ms,
  message: finished.error?.message ?? finished.undo_errors[0]?.message ?? null,
  warnings: finished.warnings,
});

function kindOf({ backup_id: id, disks }: RunFinishedEvent): GroupedRun['kind'] {
  if (id === null) return null;
  return disks.every(({ mode }) => mode === 'full') ? 'full' : 'incremental';
}

function notBegun({ name, context, plan }: GroupMember, error: unknown): GroupedRun {
  const { code, message } = errorToJson(error);
  return {
    vm: name,
    context,
    plan,
    run_id: null,
    status: code === 'run.cancelled' ? 'cancelled' : 'failed',
    exit_code: 1,
    backup_id: null,
    kind: null,
    bytes_transferred: 0,
    duration_ms: 0,
    message,
    warnings: [],
  };
}

function outcomeText({ status, kind, message, warnings }: GroupedRun): string {
  if (status !== 'succeeded') return message === null ? status : `${status}: ${message}`;
  return `${kind ?? 'done'}${warnings.length === 0 ? '' : `, with warnings: ${warnings.join('; ')}`}`;
}
