import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { LeftBehind, Source } from '../../schemas/types.ts';
import { kindOf } from '../../sources/index.ts';
import type { Services } from '../services.ts';
import { loginFor } from './source-login.ts';

/** What a job may have left something of, journalled before it is started. No secrets. */
export interface AskedOfSource {
  readonly source: Source;
  readonly vmName: string;
}

/** How long the answer may take, ms; an undo has two minutes. */
const cleanMs = 60_000;

/**
 * Removes what an ended job left at its source.
 * @throws SendenseError `snapshot.left` with what is there, as far as it is known, and why it stays
 */
export async function removeLeft(
  services: Services,
  client: NodeClient,
  jobId: string,
  { source, vmName }: AskedOfSource,
  known: readonly LeftBehind[] | null,
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(cleanMs);
  const either = AbortSignal.any([signal, limit]);
  try {
    const login = await loginFor(services, source, either);
    const request = { job_id: jobId, source, vm_name: vmName, older_than_seconds: 86_400, dry_run: false, ...login };
    await client.cleanUp(request, either);
  } catch (cause) {
    signal.throwIfAborted();
    const { code, message } = toSendenseError(cause);
    // Whoever removed the VM removed its snapshots.
    if (code === 'source.missing') return;
    const why = limit.aborted ? `no answer within ${cleanMs / 1000} s` : `${code}: ${message}`;
    const what =
      known?.map((one) => one.what).join(' and ') ||
      kindOf(source).leaves?.(jobId, vmName) ||
      `what job ${jobId} left of ${vmName}`;
    throw leftError([{ what: known === null ? `perhaps ${what}` : what, why }], cause);
  }
}

export const leftError = (left: readonly LeftBehind[], cause?: unknown): SendenseError =>
  new SendenseError(
    'snapshot.left',
    left.map(({ what, why }) => `${what} is still there and grows: ${why}`).join('; '),
    { cause },
  );
