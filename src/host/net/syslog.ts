import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { existsSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { runTool } from '../programs/process.ts';

export interface LogRecord {
  /** 0 emergency to 7 debug. */
  readonly severity: number;
  readonly facility: string;
  /** What kind of record it is, RFC 5424 MSGID. */
  readonly kind: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** One line. */
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** 32473 is the number for documentation (RFC 5612). */
const structuredId = 'sendense@32473';
const severities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
const facilities: Readonly<Record<string, number>> = {
  user: 1,
  daemon: 3,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`local${index}`, 16 + index])),
};

/**
 * Writes one record to syslog.
 * @param to path of a Unix socket, `udp://HOST:PORT` or `tcp://HOST:PORT`
 * @throws SendenseError `notify.failed`; on abort the signal's reason
 */
export async function writeSyslog(to: string, record: LogRecord, signal: AbortSignal): Promise<void> {
  try {
    if (to.startsWith('/')) await byLogger(to, record, signal);
    else await overNetwork(new URL(to), formatRecord(record), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new SendenseError('notify.failed', `syslog ${to}: ${(error as Error).message}`, { cause: error });
  }
}

/** What comes from outside must begin no record of its own, and not steer the terminal of who reads the log. */
// eslint-disable-next-line no-control-regex
const oneLine = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

const parameter = (value: string): string => oneLine(value).replaceAll(/["\\\]]/g, '\\$&');

/** RFC 5424, section 6. */
export function formatRecord({ severity, facility, kind, time, text, fields }: LogRecord): string {
  const priority = (facilities[facility] ?? 1) * 8 + severity;
  const data = Object.entries(fields).map(([name, value]) => ` ${name}="${parameter(value)}"`);
  return `<${priority}>1 ${new Date(time).toISOString()} ${hostname()} sendense ${process.pid} ${kind} [${structuredId}${data.join('')}] ${oneLine(text)}`;
}

/** Node has no Unix datagram sockets, so logger(1) of util-linux speaks for us. */
async function byLogger(path: string, record: LogRecord, signal: AbortSignal): Promise<void> {
  if (!existsSync(path)) throw new Error('there is no such socket');
  const { severity, facility, kind, text, fields } = record;
  const data = Object.entries(fields).flatMap(([name, value]) => ['--sd-param', `${name}="${parameter(value)}"`]);
  const tag = ['--tag', 'sendense', '--priority', `${facility}.${severities[severity] ?? 'info'}`];
  const form = ['--rfc5424', '--msgid', kind, '--sd-id', structuredId, ...data];
  await runTool('logger', ['--socket', path, '--socket-errors=on', '--size', '8192', ...tag, ...form], {
    input: oneLine(text),
    signal,
  });
}

async function overNetwork({ protocol, hostname: host, port }: URL, line: string, signal: AbortSignal): Promise<void> {
  const address = host.replaceAll(/[[\]]/g, '');
  if (protocol === 'udp:') {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) =>
        socket.on('error', reject).send(line, Number(port), address, (error) => (error ? reject(error) : resolve())),
      );
    } finally {
      socket.close();
    }
    return;
  }
  const socket = connect({ host: address, port: Number(port), signal });
  try {
    await once(socket, 'connect', { signal });
    // Octet counting, RFC 6587 section 3.4.1.
    socket.end(`${Buffer.byteLength(line)} ${line}`);
    await once(socket, 'finish', { signal });
  } finally {
    socket.destroy();
  }
}

const journalSocket = '/run/systemd/journal/socket';

/** Writes one record to systemd's journal. @throws SendenseError `notify.failed`; on abort the signal's reason */
export async function writeJournal(record: LogRecord, signal: AbortSignal): Promise<void> {
  // Without it `logger --journald` does nothing and says nothing (sd_journal_print(3)).
  if (!existsSync(journalSocket)) throw new SendenseError('notify.failed', `there is no journal at ${journalSocket}`);
  const fields = {
    MESSAGE: record.text,
    PRIORITY: String(record.severity),
    SYSLOG_IDENTIFIER: 'sendense',
    SENDENSE_EVENT: record.kind,
    ...Object.fromEntries(
      Object.entries(record.fields).map(([name, value]) => [`SENDENSE_${name.toUpperCase()}`, value]),
    ),
  };
  const input = Object.entries(fields).map(([name, value]) => `${name}=${oneLine(value)}`);
  try {
    await runTool('logger', ['--journald'], { input: `${input.join('\n')}\n`, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new SendenseError('notify.failed', `journal: ${(error as Error).message}`, { cause: error });
  }
}
