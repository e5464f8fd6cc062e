import type { NextSlotsOutput, ScheduleOutput, SchedulesOutput, SlotOutput, SlotsOutput } from '../../schemas/types.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable, printableText } from '../text.ts';

/** One line a plan; below it what is wrong with its file. */
export function schedulesReport({ schedules, duplicates }: SchedulesOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  if (schedules.length === 0) return ['no schedules yet; `sendense-run daemon FOLDER` reads the plans of a folder'];
  const [head = [], ...lines] = foldedTable(
    [
      ['PLAN', 'NEXT', 'CRON', 'ZONE', 'LAST', 'STATE'],
      ...schedules.map((entry) => [
        entry.plan,
        entry.begins === null ? '-' : inZone(entry.begins, entry.timezone),
        entry.cron ?? '-',
        entry.timezone ?? '-',
        entry.last ? inZone(entry.last.slot, entry.timezone) : '-',
        stateOf(entry),
      ]),
    ],
    columns,
  );
  const colour = (entry: ScheduleOutput | undefined) =>
    entry?.error || entry?.paused || entry?.last?.state === 'failed' ? style.yellow : (text: string) => text;
  return [
    ...head.map(style.bold),
    ...lines.flatMap((folded, index) => folded.map((line) => colour(schedules[index])(line))),
    ...schedules.flatMap(({ plan, file, error, cron }) =>
      error
        ? [
            '',
            style.red(`${plan}: ${printable(file)} is not in force${cron === null ? '' : '; its last valid text is'}`),
            ...labelled('  ', printableText(error.message), columns),
          ]
        : [],
    ),
    ...duplicates.flatMap(({ plan, file, error }) => [
      '',
      style.red(`${plan}: ${printable(file)} is not in force`),
      ...labelled('  ', printableText(error.message), columns),
    ]),
  ];
}

function stateOf({ enabled, paused, last, failures, error, cron }: ScheduleOutput): string {
  if (paused) return `paused: ${printable(paused.reason)}`;
  if (cron === null && error) return 'invalid';
  if (!enabled) return 'not enabled';
  // The last slot fell into a pause that is over.
  const state = last?.state === 'paused' ? 'resumed' : (last?.state ?? 'new');
  return failures > 1 ? `${state}, ${failures} times` : state;
}

/** Slots to come. */
export function nextSlotsReport({ slots }: NextSlotsOutput, { style, columns }: SummaryOptions): string[] {
  if (slots.length === 0) return ['nothing is scheduled'];
  const [head = [], ...lines] = foldedTable(
    [
      ['BEGINS', 'ZONE', 'PLAN', ''],
      ...slots.map(({ begins, timezone, plan, blackout }) => [
        inZone(begins, timezone),
        timezone,
        plan,
        blackout === null ? '' : `no run: ${printable(blackout)}`,
      ]),
    ],
    columns,
  );
  return [...head.map(style.bold), ...lines.flat()];
}

/** What became of slots. Times in UTC: slots of plans in many zones stand together. */
export function slotsReport({ slots }: SlotsOutput, { style, columns }: SummaryOptions): string[] {
  if (slots.length === 0) return ['no slots'];
  const [head = [], ...lines] = foldedTable(
    [
      ['SLOT', 'PLAN', 'STATE', 'RUN', 'WHY'],
      ...slots.map((slot) => [
        inZone(slot.slot, 'UTC'),
        slot.plan,
        slot.state,
        slot.run_id ?? '-',
        [slot.trigger === 'schedule' ? '' : slot.trigger, printable(slot.reason ?? '')].filter(Boolean).join(': '),
      ]),
    ],
    columns,
  );
  const colour = (slot: SlotOutput | undefined) =>
    slot && ['failed', 'crashed', 'missed'].includes(slot.state) ? style.yellow : (text: string) => text;
  return [
    ...head.map(style.bold),
    ...lines.flatMap((folded, index) => folded.map((line) => colour(slots[index])(line))),
  ];
}

/** `2026-11-21 01:30 GMT`: with the zone's letters, because in a repeated hour a time alone says too little. */
function inZone(time: number, timeZone: string | null): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timeZone ?? 'UTC',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).formatToParts(time);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')} ${of('timeZoneName')}`;
}
