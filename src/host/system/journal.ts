import { fstatSync } from 'node:fs';

/** Whether what this process writes to standard error goes into systemd's journal. Source: systemd.exec(5), $JOURNAL_STREAM. */
export function stderrIsJournal(): boolean {
  try {
    const { dev, ino } = fstatSync(2);
    return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** Source: sd-daemon(3). */
const priorities: Readonly<Record<string, number>> = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 };

/** Puts before a line of a log in JSON, which begins with its level, what `journalctl -p` sorts by. */
export const withPriority = (line: string): string =>
  `<${priorities[/^\{"level":"(\w+)"/.exec(line)?.[1] ?? ''] ?? 6}>${line}`;
