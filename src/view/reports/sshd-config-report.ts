import type { SshdConfigOutput } from '../../schemas/types.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printableText } from '../text.ts';

/** The lines as they are, so that they can go into a file; or what differs. */
export function sshdConfigReport(output: SshdConfigOutput, { style, columns }: SummaryOptions): string[] {
  const { config, authorized_keys: keys, checked, differences } = output;
  if (!checked)
    return [config, '', `# ${keys.path}, kept by \`sendense-run node\`:`, ...keys.lines.map((line) => `# ${line}`)];
  if (differences.length === 0) return [`${style.green(style.symbols.done)} sshd and ${keys.path} are as they must be`];
  return differences.flatMap(({ about, message, remedy }) => [
    ...labelled(`${style.red(style.symbols.failed)} ${style.bold(about)} `, printableText(message), columns),
    ...labelled('  ', remedy, columns).map(style.dim),
  ]);
}
