import { styleText } from 'node:util';

type Paint = Parameters<typeof styleText>[0];

const colours: Readonly<Record<string, Paint>> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
  info: 'green',
  debug: 'dim',
  trace: 'dim',
};

/** One line of the log's JSON as a person reads it: time, level, message, and what else there is as name=value. */
export function readableLine(line: string): string {
  const { time, level, msg, ...facts } = JSON.parse(line) as {
    time: number;
    level: string;
    msg?: string;
    [fact: string]: unknown;
  };
  const word = styleText(colours[level] ?? 'white', level.padEnd(5), { stream: process.stderr });
  const rest = Object.entries(facts).map(([name, value]) =>
    styleText('dim', `${name}=${shown(value)}`, { stream: process.stderr }),
  );
  return `${[new Date(time).toISOString(), word, printable(msg ?? ''), ...rest].join(' ')}\n`;
}

const shown = (value: unknown): string => (typeof value === 'string' ? printable(value) : JSON.stringify(value));

/** Nothing that came from elsewhere may steer the terminal. */
const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '\ufffd');
