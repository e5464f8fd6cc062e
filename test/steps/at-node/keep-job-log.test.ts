import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { NodeClient } from '../../../src/host/node-api/node-client.ts';
import { jobLogFile, jobLogsOf, keepingLog, keepJobLog } from '../../../src/steps/at-node/keep-job-log.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';

/** Only what fetches a log of the node's API. */
const nodeWith = (log: () => Promise<string>): NodeClient => ({ log }) as Partial<NodeClient> as NodeClient;
const line = (message: string): string => `${JSON.stringify({ time: 1, level: 'info', message })}\n`;
const jobId = '20261121T013000Z-4f3a9c-transfer';

describe('the log of a job', () => {
  test('is kept with secrets masked', async () => {
    await using folder = await temporaryFolder();
    const statePath = folder.file('sendense.db');
    const file = await keepJobLog({
      client: nodeWith(async () => line('login with hunter2 failed')),
      jobId,
      statePath,
      secrets: ['hunter2'],
    });
    expect(file).toBe(jobLogFile(statePath, jobId));
    expect(await readFile(file ?? '', 'utf8')).toBe(line('login with *** failed'));
    expect(await jobLogsOf(statePath, '20261121T013000Z-4f3a9c')).toEqual([{ step: 'transfer', path: file }]);
    expect(await jobLogsOf(statePath, '20261121T013000Z-4f3a9')).toEqual([]);
  });

  test('is cut at its beginning where it is long, at a whole line, and says so', async () => {
    await using folder = await temporaryFolder();
    const lines = Array.from({ length: 20_000 }, (_, index) => line(`line ${index} ü`));
    const file = await keepJobLog({
      client: nodeWith(async () => lines.join('')),
      jobId,
      statePath: folder.file('sendense.db'),
    });
    const kept = (await readFile(file ?? '')).toString();
    expect(Buffer.byteLength(kept)).toBeLessThan(257 * 1024);
    const [first, ...rest] = kept.trimEnd().split('\n');
    expect(first).toMatch(/bytes before this were not kept/);
    expect(rest.map((text) => `${text}\n`)).toEqual(lines.slice(-rest.length));
  });

  test('is one of the newest hundred', async () => {
    await using folder = await temporaryFolder();
    await mkdir(folder.file('logs'));
    for (let day = 100; day < 200; day++) await writeFile(folder.file('logs', `2025${day}-transfer.jsonl`), '');
    await writeFile(folder.file('logs', 'notes.txt'), '');
    await keepJobLog({ client: nodeWith(async () => line('x')), jobId, statePath: folder.file('sendense.db') });
    const names = await readdir(folder.file('logs'));
    expect(names).toHaveLength(101);
    expect(names).toEqual(expect.arrayContaining(['notes.txt', `${jobId}.jsonl`, '2025101-transfer.jsonl']));
    expect(names).not.toContain('2025100-transfer.jsonl');
  });

  test.each([
    ['the node is gone', () => Promise.reject(new SendenseError('node.unreachable', 'gone')), 'sendense.db'],
    ['the job wrote none', async () => '', 'sendense.db'],
    ['it cannot be written', async () => line('x'), 'file/sendense.db'],
  ])('is none where %s, and the error of the transfer stays as it was', async (_why, log, state) => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('file'), '');
    const error = new SendenseError('job.failed', 'disk 2000: EIO');
    const kept = keepingLog(
      { client: nodeWith(log), jobId, statePath: folder.file(...state.split('/')) },
      { runId: 'r', signal: new AbortController().signal },
      () => Promise.reject(error),
    );
    await expect(kept).rejects.toBe(error);
  });

  test('does not take the place of the reason of a cancel, and is kept then, too', async () => {
    await using folder = await temporaryFolder();
    const reason = new SendenseError('run.cancelled', 'enough');
    const kept = keepingLog(
      { client: nodeWith(async () => line('x')), jobId, statePath: folder.file('sendense.db') },
      { runId: 'r', signal: AbortSignal.abort(reason) },
      () => Promise.reject(reason),
    );
    await expect(kept).rejects.toBe(reason);
    expect(await readdir(folder.file('logs'))).toEqual([`${jobId}.jsonl`]);
  });

  test('leaves what is no failure alone', async () => {
    await using folder = await temporaryFolder();
    const signal = new AbortController().signal;
    const client = nodeWith(() => Promise.reject(new Error('must not be asked')));
    expect(
      await keepingLog({ client, jobId, statePath: folder.file('s.db') }, { runId: 'r', signal }, async () => 7),
    ).toBe(7);
    expect(await readdir(folder.path)).toEqual([]);
  });
});
