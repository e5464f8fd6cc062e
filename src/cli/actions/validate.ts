import { formatDiagnostics, validateOutput, type DiagnosticFormat } from '../../plan/diagnostics/format-diagnostics.ts';
import { validateFiles, type ValidateOptions, type ValidationResult } from '../../plan/validate-files.ts';
import { exactly } from '../../view/terminal.ts';
import type { CommandContext } from '../command.ts';
import { nameOfInput } from '../plan-input.ts';
import { textOptions } from '../text-options.ts';

/** Only src/plan is loaded for this: it has to be quick. */
export async function action({ args, options, global, terminal, readInput }: CommandContext): Promise<number> {
  const paths = args.length > 0 ? args : ['.'];
  const stdin = paths.includes('-') ? await readInput() : undefined;
  const as = nameOfInput(paths, options['as']);
  const result = await validate(paths, { config: global.config, stdin, as });
  const { stdout, style } = terminal;
  const format = options['format'] as DiagnosticFormat;
  if (global.json && format === 'text') exactly(stdout).write(`${JSON.stringify(validateOutput(result))}\n`);
  else if (!(global.quiet && result.valid && format === 'text')) {
    (format === 'text' ? stdout : exactly(stdout)).write(formatDiagnostics(result, format, textOptions(stdout, style)));
  }
  return result.valid ? 0 : 10;
}

/** A node that the settings do not name may be an enrolled one: only then the state database is looked at. */
async function validate(paths: readonly string[], options: ValidateOptions): Promise<ValidationResult> {
  const result = validateFiles(paths, options);
  if (!result.diagnostics.some(({ rule }) => rule === 'settings/unknown-node')) return result;
  const { enrolledNodeNames } = await import('../enrolled-node-names.ts');
  return validateFiles(paths, { ...options, enrolledNodes: enrolledNodeNames });
}
