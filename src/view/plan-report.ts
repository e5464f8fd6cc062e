import type { PlannedEffect, PlanOutput } from '../schemas/types.ts';
import { formatBytes } from './format.ts';
import type { SummaryOptions } from './run-summary.ts';
import { shortPath } from './error-report.ts';
import { labelled, printable } from './text.ts';

/** A dry-run: the decision for each disk, then each step with its effects. */
export function planReport(plan: PlanOutput, options: SummaryOptions): string[] {
  const { style } = options;
  return [
    `${style.bold(plan.plan)}: ${plan.kind} of ${plan.vm} ${style.dim(`${style.symbols.dash} dry-run, nothing is written`)}`,
    ...diskLines(plan, options),
    ...plan.steps.flatMap((step, index) => ['', ...stepLines(step, index + 1, options)]),
    '',
    style.dim('+ made   ~ changed   - removed   $ command   ? known later'),
  ];
}

function diskLines({ disks, estimated_bytes: estimate }: PlanOutput, { style, columns }: SummaryOptions): string[] {
  if (disks.length === 0) return [];
  const lines = disks.flatMap((disk) => {
    const amount = disk.estimated_bytes === null ? 'bytes known later' : `about ${formatBytes(disk.estimated_bytes)}`;
    const indent = ' '.repeat(disk.disk.length + 4);
    return [
      `  ${style.cyan(disk.disk)}  ${style.bold(disk.mode)}${disk.mode === 'incremental' ? ` on ${disk.parent?.backup_id ?? '?'}` : ''}: ${formatBytes(disk.capacity_bytes)} disk, ${amount} to send`,
      ...labelled(indent, printable(disk.reason), columns).map(style.dim),
      `${indent}${style.dim(shortPath(disk.source_path))}`,
    ];
  });
  const total =
    disks.length > 1
      ? [`  in all: ${estimate === null ? 'known later' : `about ${formatBytes(estimate)} to send`}`]
      : [];
  return ['', ...lines, ...total];
}

function stepLines(step: PlanOutput['steps'][number], number: number, { style, columns }: SummaryOptions): string[] {
  const runs = { yes: '', no: style.yellow('  skipped'), maybe: style.yellow('  only if its condition holds') }[
    step.runs
  ];
  const note = (mark: string, text: string): string[] => labelled(`    ${mark} `, printable(text), columns);
  return [
    `${style.dim(`${String(number).padStart(2)}.`)} ${style.bold(step.title)}  ${style.dim(`${step.id}, ${step.uses}`)}${runs}`,
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
  const lines = labelled(`    ${mark} `, text, columns).map(paint);
  return argv === null
    ? lines
    : [...lines, ...labelled('      $ ', argv.map(quoted).join(' '), columns).map(style.dim)];
}

/** As a shell would want it: for reading and copying only; nothing of ours goes through a shell. */
const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`;
