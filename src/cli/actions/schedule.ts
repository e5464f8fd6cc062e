import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { SlotsOutput } from '../../schemas/types.ts';
import type { SlotState } from '../../state/schedules/slot-states.ts';
import { nextSlotsReport, schedulesReport, slotsReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';

export async function backfill(context: CommandContext): Promise<number> {
  const { args, options } = context;
  const plan = args[0] ?? '';
  const span = backfillSpan(context);
  using signals = installSignals();
  await using hub = await context.openHub({ startFolder: existsSync(plan) ? dirname(resolve(plan)) : process.cwd() });
  const output = await hub.schedules.backfill(plan, {
    ...span,
    latest: options['latest'] === true,
    dryRun: options['dryRun'] === true,
    cancel: signals,
  });
  print(context, output, (how) => slotsReport(output, how));
  return backfillStatus(output);
}

/** Milliseconds since the epoch. @throws SendenseError `usage` */
export function backfillSpan({ options: { from, to } }: CommandContext): {
  readonly from: number;
  readonly to: number;
} {
  if (from === undefined) throw new SendenseError('usage', '--from is needed: from when on slots are run');
  return { from: timeOption('--from', from), to: to === undefined ? Date.now() : timeOption('--to', to) };
}

export const backfillStatus = ({ slots }: SlotsOutput): number =>
  slots.some(({ state }) => state === 'failed' || state === 'crashed') ? 1 : 0;

function timeOption(flag: string, value: unknown): number {
  const text = String(value);
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new SendenseError('usage', `${flag} ${text} is not a time with its zone, for example 2026-11-20T00:00:00Z`);
}

export async function history(context: CommandContext): Promise<number> {
  const { args, options } = context;
  const limit = countOption('--count', options['count']);
  const state = options['state'] as SlotState | undefined;
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.schedules.history({ plan: args[0], limit, state });
  print(context, output, (how) => slotsReport(output, how));
  return 0;
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.schedules.list();
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}

export async function next(context: CommandContext): Promise<number> {
  const count = countOption('--count', context.options['count']);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.schedules.next(count, context.args[0]);
  print(context, output, (options) => nextSlotsReport(output, options));
  return 0;
}

export async function pause(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.schedules.pause(context.args[0] ?? '', (context.options['reason'] as string | undefined) ?? null);
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}

export async function resume(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.schedules.resume(context.args[0] ?? '');
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}
