import type { PlannedEffect, PlanOutput } from '../../schemas/types.ts';
import { formatBytes, subjectOf } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { shortPath } from './error-report.ts';
import { command, fitted, flow, flowed, printable, printableText, shellWord, widthOf } from '../text.ts';

/** A dry-run: the decision for each disk, then each step with its effects. */
export function planReport(plan: PlanOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  return [
    ...flow(
      [`${style.bold(plan.plan)}:`, subjectOf(plan), style.dim(`${style.symbols.dash} dry-run, nothing is written`)],
      columns,
    ),
    ...diskLines(plan, options),
    ...plan.steps.flatMap((step, index) => ['', ...stepLines(step, index + 1, options)]),
    '',
    ...flow(['+ made  ', '~ changed  ', '- removed  ', '$ command  ', '? known later'], columns).map(style.dim),
  ];
}

function diskLines({ disks, estimated_bytes: estimate }: PlanOutput, { style, columns }: SummaryOptions): string[] {
  if (disks.length === 0) return [];
  const lines = disks.flatMap((disk) => {
    const amount = disk.estimated_bytes === null ? 'bytes known later' : `about ${formatBytes(disk.estimated_bytes)}`;
    const indent = ' '.repeat(widthOf(disk.disk) + 4);
    const base = disk.mode === 'incremental' ? [`on ${disk.parent?.backup_id ?? '?'}:`] : [];
    return [
      ...flowed(
        `  ${style.cyan(disk.disk)}  `,
        [
          `${style.bold(disk.mode)}${base.length > 0 ? '' : ':'}`,
          ...base,
          `${formatBytes(disk.capacity_bytes)} disk,`,
          `${amount} to send`,
        ],
        columns,
      ),
      ...fitted(indent, printableText(disk.reason), columns).map(style.dim),
      ...fitted(indent, printableText(shortPath(disk.source_path)), columns).map(style.dim),
    ];
  });
  const total =
    disks.length > 1
      ? [`  in all: ${estimate === null ? 'known later' : `about ${formatBytes(estimate)} to send`}`]
      : [];
  return ['', ...lines, ...total];
}

function stepLines(step: PlanOutput['steps'][number], number: number, { style, columns }: SummaryOptions): string[] {
  const runs = { yes: [], no: [style.yellow(' skipped')], maybe: [style.yellow(' only if its condition holds')] }[
    step.runs
  ];
  const note = (mark: string, text: string): string[] => fitted(`    ${mark} `, printableText(text), columns);
  return [
    ...flowed(
      `${style.dim(`${String(number).padStart(2)}.`)} `,
      [style.bold(step.title), style.dim(` ${step.id}, ${step.uses}`), ...runs],
      columns,
    ),
    ...step.effects.flatMap((effect) => effectLines(effect, style, columns)),
    ...step.notes.flatMap((text) => note(' ', text)),
    ...step.unknown.flatMap((text) => note('?', text)).map(style.dim),
  ];
}

const words: Readonly<Record<PlannedEffect['action'], { readonly mark: string; readonly word: string }>> = {
  run: { mark: '$', word: '' },
  create: { mark: '+', word: '' },
  change: { mark: '~', word: '' },
  remove: { mark: '-', word: '' },
  lease: { mark: '+', word: 'lease ' },
  insert: { mark: '+', word: 'rows in ' },
  read: { mark: ' ', word: 'reads ' },
  send: { mark: ' ', word: 'calls ' },
};

function effectLines(
  { action, target, detail, argv }: PlannedEffect,
  style: SummaryOptions['style'],
  columns: number,
): string[] {
  const { mark, word } = words[action];
  const paint =
    { '+': style.green, '~': style.yellow, '-': style.red, '$': style.cyan }[mark] ?? ((text: string) => text);
  const text = `${word}${printable(shortPath(target))}${detail ? `: ${printable(detail)}` : ''}`;
  const lines = fitted(`    ${mark} `, text, columns).map(paint);
  return argv === null ? lines : [...lines, ...command('      $ ', argv.map(shellWord), columns).map(style.dim)];
}
