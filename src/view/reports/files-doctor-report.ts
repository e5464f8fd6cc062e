import type { FilesDoctorOutput } from '../../schemas/types.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printable, printableText } from '../text.ts';
import { checkLines, doctorSummary } from './doctor-report.ts';

const nameWidth = 12;

/** Ways to read, and the programs of the one that is used. */
export function filesDoctorReport(output: FilesDoctorOutput, options: SummaryOptions): string[] {
  const { readers, checks } = output;
  return [
    options.style.bold('READERS'),
    ...readers.flatMap((reader) => readerLines(reader, options)),
    ...(checks.length === 0 ? [] : ['', options.style.bold('PROGRAMS')]),
    ...checks.flatMap((check) => checkLines(check, options)),
    ...doctorSummary(output, options),
  ];
}

function readerLines(
  { name, title, reads, state, why, remedy }: FilesDoctorOutput['readers'][number],
  { style, columns }: SummaryOptions,
): string[] {
  const mark = state === 'missing' ? style.dim(style.symbols.skipped) : style.green(style.symbols.done);
  const found = { used: 'is used', works: 'works, and is not used', missing: `does not work: ${why}` }[state];
  const below = ' '.repeat(nameWidth + 3);
  return [
    ...labelled(`${mark} ${name.padEnd(nameWidth)} `, `${printable(title)} ${printableText(found)}`, columns),
    ...labelled(below, `reads ${printable(reads)}`, columns),
    ...(remedy === null ? [] : labelled(below, style.cyan(printable(remedy)), columns)),
  ];
}
