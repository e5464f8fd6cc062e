/** One message of nbdkit, as its log has it. */
export interface NbdkitRecord {
  /** Who says it: `curl[2]` is the thread of the second connection. Empty: nbdkit as a whole. */
  readonly speaker: string;
  readonly isError: boolean;
  readonly text: string;
}

/**
 * A line of nbdkit's log taken apart; null where it begins no record. nbdkit 1.32 writes each record at once and under a lock
 * (measured with 8 connections; its server/debug.c), so lines that begin none go on with the record before, whoever spoke.
 */
export function nbdkitRecord(line: string): NbdkitRecord | null {
  const [, speaker = '', kind, text = ''] = /^nbdkit: (?:(\S+): )?(debug|error): ([^\r]*)/.exec(line) ?? [];
  return kind === undefined ? null : { speaker, isError: kind === 'error', text };
}
