import { pino, type DestinationStream, type Logger } from 'pino';
import { stderrIsJournal, withPriority } from '../host/system/journal.ts';

/** Levels of the hub's log, from all to nothing but errors. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export type HubLog = Pick<
  Logger,
  'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' | 'level' | 'child'
>;

/** JSON lines to standard error, which systemd puts into the journal. What is logged never holds a token or a key's secret half. */
export const openHubLog = (level: LogLevel, program = 'sendense-run hub'): Logger =>
  pino(
    {
      level,
      base: { program },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: ['req.headers.authorization', 'headers.authorization', 'token', 'api_token'], censor: '***' },
    },
    logSink(),
  );

function logSink(): DestinationStream {
  const stderr = pino.destination({ dest: 2, sync: true });
  return stderrIsJournal() ? { write: (line) => void stderr.write(withPriority(line)) } : stderr;
}
