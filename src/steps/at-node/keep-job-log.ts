import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, writeFileDurably } from '../../host/files/files.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import { maskSecrets } from '../command/mask-secrets.ts';

/** Bytes of a log that are kept: its end, where it says what went wrong. */
const keptBytes = 256 * 1024;
/** Logs that are kept, the newest. */
const keptLogs = 100;
/** How long fetching a log may take; the run waits for it. */
const fetchMs = 10_000;

/** Where the log of a job is kept after the job is gone: beside the state database. */
export const jobLogFile = (statePath: string, jobId: string): string =>
  join(dirname(statePath), 'logs', `${jobId}.jsonl`);

export interface KeptJob {
  readonly client: NodeClient;
  /** `<run>-<step>` */
  readonly jobId: string;
  readonly statePath: string;
  /** Masked, should the node have written one. */
  readonly secrets?: readonly string[];
}

/** Does `work` of a job; where that fails, keeps the job's log, which goes with the job, and says in the error where it is. */
export async function keepingLog<T>(job: KeptJob, run: { runId: string; signal: AbortSignal }, work: () => Promise<T>) {
  try {
    return await work();
  } catch (error) {
    const file = await keepJobLog(job);
    // What a signal ends is told by the signal's reason, which is looked for.
    if (file === null || run.signal.aborted || !(error instanceof SendenseError)) throw error;
    throw new SendenseError(error.code, error.message, {
      cause: error,
      remedy: `${error.remedy} The log of the job: \`sendense-run show ${run.runId} --log\` (${file}).`,
      details: { ...error.details, job_log: file },
      ...(error.position ? { position: error.position } : {}),
    });
  }
}

/**
 * Keeps the log of a job that is about to be removed. A log that cannot be had or written stops nothing.
 * @returns the file; null where there is none
 */
export async function keepJobLog({ client, jobId, statePath, secrets = [] }: KeptJob): Promise<string | null> {
  const file = jobLogFile(statePath, jobId);
  try {
    const text = await client.log(jobId, AbortSignal.timeout(fetchMs));
    if (text === '') return null;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const mask = maskSecrets(secrets);
    await writeFileDurably(file, endOf(mask.add(text) + mask.end()), 0o600);
    await removeOldest(dirname(file));
    return file;
  } catch {
    return (await exists(file).catch(() => false)) ? file : null;
  }
}

/** Whole lines only; the first says what is missing. */
function endOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= keptBytes) return text;
  const from = bytes.indexOf('\n', bytes.length - keptBytes) + 1;
  const note = { time: Date.now(), level: 'warn', message: `the ${from} bytes before this were not kept` };
  return `${JSON.stringify(note)}\n${bytes.subarray(from).toString()}`;
}

/** Names begin with the time of the run, so the first are the oldest. */
async function removeOldest(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort();
  for (const name of names.slice(0, -keptLogs)) await rm(join(folder, name), { force: true });
}

/** The logs that were kept of a run: step and file. */
export async function jobLogsOf(statePath: string, runId: string): Promise<{ step: string; path: string }[]> {
  const folder = dirname(jobLogFile(statePath, runId));
  const names = (await exists(folder)) ? await readdir(folder) : [];
  return names
    .filter((name) => name.startsWith(`${runId}-`) && name.endsWith('.jsonl'))
    .sort()
    .map((name) => ({ step: basename(name, '.jsonl').slice(runId.length + 1), path: join(folder, name) }));
}
