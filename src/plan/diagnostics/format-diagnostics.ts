import type { ValidateOutput } from '../../schemas/types.ts';
import { formatSarif } from './format-sarif.ts';
import { formatText, type TextOptions } from './format-text.ts';
import type { ValidationResult } from '../validate-files.ts';

export const diagnosticFormats = ['text', 'json', 'sarif', 'github'] as const;
export type DiagnosticFormat = (typeof diagnosticFormats)[number];

/** A result as it is printed, with a newline at the end (nothing at all where `github` has nothing to say). */
export function formatDiagnostics(
  result: ValidationResult,
  format: DiagnosticFormat,
  options: Partial<TextOptions> = {},
): string {
  switch (format) {
    case 'text':
      return formatText(result, { color: false, ...options });
    case 'json':
      return `${JSON.stringify(validateOutput(result), null, 2)}\n`;
    case 'sarif':
      return formatSarif(result);
    case 'github':
      return formatGithub(result);
  }
}

/** As in `schemas/output/validate.json`. */
export const validateOutput = ({ valid, files, diagnostics }: ValidationResult): ValidateOutput => ({
  version: 1,
  valid,
  files,
  diagnostics: [...diagnostics],
});

/** Workflow commands of GitHub Actions. */
function formatGithub({ diagnostics }: ValidationResult): string {
  return diagnostics
    .map((item) => {
      const place = {
        file: item.file,
        line: item.line,
        endLine: item.end_line,
        col: item.column,
        ...(item.end_line === item.line ? { endColumn: item.end_column } : {}),
        title: item.rule,
      };
      const properties = Object.entries(place).map(([key, value]) => `${key}=${property(String(value))}`);
      const hint = item.suggestion === null ? '' : ` Did you mean ${item.suggestion}?`;
      return `::${item.severity} ${properties.join(',')}::${data(`${item.message}.${hint} ${item.remedy}`)}\n`;
    })
    .join('');
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
