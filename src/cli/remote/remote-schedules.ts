import { setTimeout as delay } from 'node:timers/promises';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubBackfill, NextSlotsOutput, SlotsOutput } from '../../schemas/types.ts';
import { nextSlotsReport, slotsReport } from '../../view/reports/schedule-report.ts';
import { backfillSpan, backfillStatus } from '../actions/schedule.ts';
import type { CommandContext } from '../command.ts';
import { atMost } from './at-most.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';
import type { HubConnection } from './hub-connection.ts';

/** As many as the hub tells at once. */
const mostSlots = 10_000;

const countIn = ({ options }: CommandContext): number =>
  atMost(mostSlots, '--count', countOption('--count', options['count']));

export async function nextSlots(context: CommandContext, hub: HubConnection): Promise<number> {
  const query = { plan: context.args[0], limit: countIn(context) };
  const output = await hub.ask<NextSlotsOutput>('/api/v1/slots/next', { query });
  print(context, output, (options) => nextSlotsReport(output, options));
  return 0;
}

export async function pastSlots(context: CommandContext, hub: HubConnection): Promise<number> {
  const state = context.options['state'] as string | undefined;
  const query = { plan: context.args[0], state, limit: countIn(context) };
  const output = await hub.ask<SlotsOutput>('/api/v1/slots', { query });
  print(context, output, (how) => slotsReport(output, how));
  return 0;
}

export async function backfill(context: CommandContext, hub: HubConnection): Promise<number> {
  const [plan = ''] = context.args;
  const dryRun = context.options['dryRun'] === true;
  const body: HubBackfill = { ...backfillSpan(context), latest: context.options['latest'] === true, dry_run: dryRun };
  using signals = installSignals();
  const path = `/api/v1/schedules/${encodeURIComponent(plan)}/backfill`;
  const wanted = await hub.ask<SlotsOutput>(path, { method: 'POST', body, signal: signals.gently });
  const output = dryRun ? wanted : await whenRun(hub, plan, wanted, signals.gently);
  print(context, output, (how) => slotsReport(output, how));
  return backfillStatus(output);
}

const everyMs = 1000;
/** A hub that runs nothing of the plan for so long has given up, ms. */
const patienceMs = 120_000;

const ended: readonly string[] = ['succeeded', 'failed', 'cancelled', 'crashed'];

/** What became of slots, when all of them were run. */
async function whenRun(
  hub: HubConnection,
  plan: string,
  wanted: SlotsOutput,
  signal: AbortSignal,
): Promise<SlotsOutput> {
  const slots = new Set(wanted.slots.map(({ slot }) => slot));
  let last = { text: '', since: performance.now() };
  for (;;) {
    const query = { plan, limit: mostSlots };
    const known = await hub.ask<SlotsOutput>('/api/v1/slots', { query, signal });
    const own = known.slots.filter((one) => slots.has(one.slot)).toReversed();
    if (own.filter(({ state }) => ended.includes(state)).length === slots.size) return { version: 1, slots: own };
    const text = JSON.stringify(own);
    if (text !== last.text || own.some(({ state }) => state === 'running')) last = { text, since: performance.now() };
    if (performance.now() - last.since > patienceMs)
      throw new SendenseError('run.crashed', `the hub has stopped running slots of ${plan}`, {
        remedy: `\`sendense-run${hub.place.words} schedule history ${plan}\` shows what became of them.`,
      });
    await delay(everyMs, undefined, { signal }).catch(() => {
      throw new SendenseError('run.cancelled', `the hub goes on to run the slots of ${plan}`);
    });
  }
}
