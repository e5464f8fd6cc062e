import type { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import type { ApiLogger } from '../../api/create-api.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { stderrIsJournal, withPriority } from '../../host/system/journal.ts';
import type { NodeSettings } from '../../schemas/types.ts';
import { readableLine } from './log-line.ts';
import { lineWithoutSecrets } from './log-secrets.ts';

export type LogLevel = NodeSettings['logLevel'];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Name of the part of the program that writes, in each line. */
  readonly part?: string;
  /** Default: standard error. */
  readonly stream?: Pick<Writable, 'write'>;
  /** `terminal` for people; `journal` puts systemd's priority before each line of JSON. Default: what standard error is. */
  readonly form?: 'json' | 'terminal' | 'journal';
}

export type NodeLogger = Logger & ApiLogger;

/**
 * The log of a node: one JSON object a line (`time` in ms since 1970, `level`, `msg`, `request_id` and `job_id` where there are), or
 * text on a terminal. What a key or a header calls a secret does not get through, nor does what {@link neverLog} was told.
 */
export function makeLogger(options: LoggerOptions): NodeLogger {
  const form = options.form ?? formOf(options.stream);
  const stream = options.stream ?? process.stderr;
  const sink = {
    write: (line: string): void => void stream.write(asForm(withoutKnown(lineWithoutSecrets(line)), form)),
  };
  return pino(
    {
      level: options.level,
      base: options.part === undefined ? {} : { part: options.part },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFacts, error: errorFacts, req: requestFacts, res: answerFacts },
    },
    sink,
  ) as NodeLogger;
}

const known = new Set<string>();

/** From now on no line of any logger holds this text. Short texts are no secrets and would spoil lines. */
export function neverLog(secret: string): void {
  if (secret.length >= 8) known.add(JSON.stringify(secret).slice(1, -1));
}

function withoutKnown(line: string): string {
  let clean = line;
  for (const secret of known) clean = clean.replaceAll(secret, '***');
  return clean;
}

function formOf(stream: LoggerOptions['stream']): NonNullable<LoggerOptions['form']> {
  if (stream !== undefined) return 'json';
  if (process.stderr.isTTY) return 'terminal';
  return stderrIsJournal() ? 'journal' : 'json';
}

function asForm(line: string, form: NonNullable<LoggerOptions['form']>): string {
  if (form === 'json') return line;
  if (form === 'terminal') return readableLine(line);
  return withPriority(line);
}

function errorFacts(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const ours = value instanceof SendenseError;
  return {
    code: ours ? value.code : ((value as NodeJS.ErrnoException).code ?? value.name),
    message: value.message,
    ...(ours ? { remedy: value.remedy } : { stack: value.stack }),
  };
}

interface Request {
  readonly method?: string;
  readonly url?: string;
  readonly ip?: string;
}

/** Headers are left out: one of them is the token. */
const requestFacts = ({ method, url, ip }: Request): unknown => ({ method, url: url?.replace(/\?.*$/, ''), peer: ip });
const answerFacts = ({ statusCode }: { readonly statusCode?: number }): unknown => ({ status: statusCode });
