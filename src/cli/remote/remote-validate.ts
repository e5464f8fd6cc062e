import { readFileSync, statSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { formatDiagnostics, validateOutput, type DiagnosticFormat } from '../../plan/diagnostics/format-diagnostics.ts';
import type { Diagnostic } from '../../plan/diagnostics/diagnostic.ts';
import { validateFiles, type ValidationResult } from '../../plan/validate-files.ts';
import type { ValidateOutput } from '../../schemas/types.ts';
import { exactly } from '../../view/terminal.ts';
import type { CommandContext } from '../command.ts';
import { textOptions } from '../text-options.ts';
import type { HubConnection } from './hub-connection.ts';

/** What a hub calls a text that came over HTTP. */
const asInput = '<stdin>';

/** Judges plans of this machine with the settings of the hub. */
export async function validate(context: CommandContext, hub: HubConnection): Promise<number> {
  const { args, options, global, terminal } = context;
  const results: ValidationResult[] = [];
  for (const file of args) {
    const text = await textIn(context, file);
    results.push(text === null ? validateFiles([file]) : await validateOne(hub, file, text));
  }
  if (results.length === 0)
    throw new SendenseError('usage', 'name the plans to validate', {
      remedy: 'With --hub, name each file, or - for standard input.',
    });
  const result: ValidationResult = {
    valid: results.every(({ valid }) => valid),
    files: results.flatMap(({ files }) => files),
    diagnostics: results.flatMap(({ diagnostics }) => diagnostics),
    texts: new Map(results.flatMap(({ texts }) => [...texts])),
  };
  const format = options['format'] as DiagnosticFormat;
  const { stdout, style } = terminal;
  if (global.json && format === 'text') exactly(stdout).write(`${JSON.stringify(validateOutput(result))}\n`);
  else if (!(global.quiet && result.valid && format === 'text'))
    (format === 'text' ? stdout : exactly(stdout)).write(formatDiagnostics(result, format, textOptions(stdout, style)));
  return result.valid ? 0 : 10;
}

/** Null: the file cannot be read. @throws SendenseError `usage` for a folder */
async function textIn({ readInput }: CommandContext, file: string): Promise<string | null> {
  if (file === '-') return Buffer.from(await readInput()).toString('utf8');
  try {
    if (!statSync(file).isDirectory()) return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  throw new SendenseError('usage', `${file} is a folder`, {
    remedy: 'With --hub, name the files in it: PLANS/*.yaml.',
  });
}

async function validateOne(hub: HubConnection, file: string, text: string): Promise<ValidationResult> {
  const output = await hub.ask<ValidateOutput>('/api/v1/plans/validate', { method: 'POST', body: { text } });
  const named = <Entry extends { readonly file: string }>(entry: Entry): Entry =>
    entry.file === asInput && file !== '-' ? { ...entry, file } : entry;
  return {
    valid: output.valid,
    files: output.files.map(named),
    diagnostics: output.diagnostics.map(named) as Diagnostic[],
    texts: new Map([[file === '-' ? asInput : file, text]]),
  };
}
