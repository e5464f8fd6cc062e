import type { BootFinishOutput, BootStartOutput, DrilledVm } from '../../schemas/types.ts';
import type { RunModel } from '../run/run-model.ts';
import type { Style } from '../style.ts';
import { labelled, printable, printableText } from '../text.ts';
import { shortPath } from './error-report.ts';

/** What became of each VM of a plan of kind boot, and where the report is. */
export function drillLines(model: RunModel, style: Style, columns: number): string[] {
  const outputOf = (uses: string): unknown =>
    [...model.steps.values()].find((step) => step.uses === uses && step.state === 'succeeded')?.output;
  const drilled = outputOf('boot.start') as BootStartOutput | undefined;
  if (!drilled) return [];
  const { report = null, running = [] } = (outputOf('boot.finish') as Partial<BootFinishOutput> | undefined) ?? {};
  return [
    ...drilled.vms.flatMap((vm) => vmLines(vm, style, columns)),
    '',
    ...(report === null ? [] : labelled('  report  ', shortPath(report), columns)),
    ...(running.length === 0 ? [] : labelled('  running ', `${running.join(', ')}; \`boot stop\` ends one`, columns)),
  ];
}

function vmLines(
  { vm, backup_id: id, state, sign, seconds, problem, screenshot }: DrilledVm,
  style: Style,
  columns: number,
): string[] {
  const name = style.cyan(printable(id === null ? vm : `${vm} ${id}`));
  const picture = screenshot === null ? [] : labelled('      ', shortPath(screenshot), columns).map(style.dim);
  if (state === 'up')
    return [
      `  ${style.green(style.symbols.done)} ${name}  up after ${Math.round(seconds ?? 0)} s (${sign})`,
      ...picture,
    ];
  const what = state === 'skipped' ? 'was not started' : 'did not come up';
  return [
    `  ${style.red(style.symbols.failed)} ${name}  ${style.red(what)}`,
    ...labelled('      ', printableText(problem ?? ''), columns),
    ...picture,
  ];
}
