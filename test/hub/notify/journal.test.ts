import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { raiseNotice } from '../../../src/state/notices/notices.ts';
import { programs } from '../../programs.ts';
import { notifyBench } from './notify-bench.ts';

/** What the journal of a systemd-journald has of us after `sendense-run ARGS`. */
function journalOf(folder: string, args: readonly string[]): Record<string, string>[] {
  const script = join(import.meta.dirname, 'with-journald.sh');
  const command = [process.execPath, programs.run, ...args];
  const text = execFileSync('unshare', ['--mount', '--pid', '--fork', '--kill-child=KILL', script, ...command], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 300_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
}

test('systemd-journald gets one record for a notice, with its fields and no line of another', () => {
  using made = notifyBench(() => ({ log: { type: 'journal' } }));
  const message = 'Dienstag früh: the disk is full "quoted"\nPRIORITY=0\n\u001b[31m';
  const notice = { event: 'failure', plan: 'pgtest1-nightly', vm: 'pgtest1', runId: 'run-1', message } as const;
  raiseNotice(made.state, { ...notice, details: {} });
  expect(journalOf(made.folder, ['notify', 'flush'])).toEqual([
    expect.objectContaining({
      MESSAGE: 'FAILED: Dienstag früh: the disk is full "quoted" PRIORITY=0  [31m',
      PRIORITY: '3',
      SYSLOG_IDENTIFIER: 'sendense',
      SENDENSE_EVENT: 'failure',
      SENDENSE_PLAN: 'pgtest1-nightly',
      SENDENSE_VM: 'pgtest1',
      SENDENSE_RUN: 'run-1',
      _TRANSPORT: 'journal',
    }),
  ]);
  expect(made.history()[0]).toMatchObject({ deliveries: [{ channel: 'log', state: 'sent' }] });
});
