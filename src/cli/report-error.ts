import { errorToJson, exitCodeOf, SendenseError } from '../errors/sendense-error.ts';
import { namedFull, temporaryPlace } from '../host/files/full-disk.ts';
import type { TextOptions } from '../plan/diagnostics/format-text.ts';
import type { DiagnosticOutput } from '../schemas/types.ts';
import { errorReport } from '../view/reports/error-report.ts';
import { columnsOf, type Terminal, exactly } from '../view/terminal.ts';
import { printable } from '../view/text.ts';
import { textOptions } from './text-options.ts';

export interface ReportOptions {
  readonly terminal: Terminal;
  /** Also as JSON, on standard output. */
  readonly json: boolean;
  /** It came from where no error is expected: whatever it is, it is internal. */
  readonly unexpected?: boolean;
  /** Which program reports; default `sendense-run`. */
  readonly program?: string;
}

/** Says on standard error what went wrong, once; returns the exit status. */
export async function reportError(value: unknown, options: ReportOptions): Promise<number> {
  const { terminal, json, unexpected, program = 'sendense-run' } = options;
  const error = unexpected ? internal(value) : namedFull(value, [temporaryPlace()]);
  if (json) exactly(terminal.stdout).write(`${JSON.stringify(errorToJson(error))}\n`);
  await explainError(value, error, terminal, program);
  return exitCodeOf(error);
}

async function explainError(
  value: unknown,
  error: SendenseError,
  { stderr, errorStyle: style }: Terminal,
  program: string,
): Promise<void> {
  const diagnostics = error.details?.['diagnostics'] as DiagnosticOutput[] | undefined;
  if (diagnostics) return void stderr.write(await diagnosticsText(error, diagnostics, textOptions(stderr, style)));
  if (error.code === 'run.internal') {
    stderr.write(`${style.alarm(' run.internal ')} ${style.red(printable(error.message.split('\n')[0] ?? ''))}\n`);
  } else {
    const lines = [
      `${style.red(`${program}:`)} ${style.bold(error.entry.title)}`,
      ...errorReport(errorToJson(error), style, columnsOf(stderr)),
    ];
    stderr.write(`${lines.join('\n')}\n`);
  }
  if (process.env['SENDENSE_DEBUG'] === '1') stderr.write(`${stackOf(value)}\n`);
}

const internal = (value: unknown): SendenseError =>
  new SendenseError('run.internal', value instanceof Error ? value.message : String(value), { cause: value });

const stackOf = (value: unknown): string => (value instanceof Error ? (value.stack ?? value.message) : String(value));

/** All diagnostics of an invalid plan or settings file, as `validate` prints them. */
async function diagnosticsText(
  error: SendenseError,
  diagnostics: DiagnosticOutput[],
  options: TextOptions,
): Promise<string> {
  const { formatDiagnostics } = await import('../plan/diagnostics/format-diagnostics.ts');
  const text = String(error.details?.['text'] ?? '');
  const files = [...new Set(diagnostics.map(({ file }) => file))];
  return formatDiagnostics(
    {
      valid: false,
      files: files.map((file) => ({ file, kind: null, name: null, valid: false })),
      diagnostics: diagnostics as Parameters<typeof formatDiagnostics>[0]['diagnostics'],
      texts: new Map(files.map((file) => [file, text])),
    },
    'text',
    options,
  );
}
