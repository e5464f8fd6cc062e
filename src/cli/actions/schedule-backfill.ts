import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { slotsReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { args, options } = context;
  const plan = args[0] ?? '';
  if (options['from'] === undefined) throw new SendenseError('usage', '--from is needed: from when on slots are run');
  const from = timeOption('--from', options['from']);
  const to = options['to'] === undefined ? Date.now() : timeOption('--to', options['to']);
  using signals = installSignals();
  await using hub = await context.openHub({ startFolder: existsSync(plan) ? dirname(resolve(plan)) : process.cwd() });
  const output = await hub.schedules.backfill(plan, {
    from,
    to,
    latest: options['latest'] === true,
    dryRun: options['dryRun'] === true,
    cancel: signals,
  });
  print(context, output, (how) => slotsReport(output, how));
  return output.slots.some(({ state }) => state === 'failed' || state === 'crashed') ? 1 : 0;
}

function timeOption(flag: string, value: unknown): number {
  const text = String(value);
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new SendenseError('usage', `${flag} ${text} is not a time with its zone, for example 2026-11-20T00:00:00Z`);
}
