import { setTimeout as delay } from 'node:timers/promises';
import { type SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { faultOf } from './fault.ts';
import { timesOf, type SnapshotWork } from './snapshot-work.ts';

/** Everything else passes, sooner or later: locked files, other tasks, a host that is away, a connection that broke. */
const finalFaults = new Set(['NoPermission', 'RestrictedVersion', 'RestrictedByAdministrator', 'NotSupported']);
const finalCodes = new Set(['vsphere.login', 'vsphere.tls', 'vsphere.permission', 'source.missing', 'snapshot.owned']);

/** Tries again, ever more slowly, until it works, cannot work, or has failed for too long. @throws what the last try threw */
export async function persistently<T>(work: SnapshotWork, what: string, action: () => Promise<T>): Promise<T> {
  const times = timesOf(work);
  let until: number | undefined;
  for (let pause = times.delay; ; pause = Math.min(pause * 2, 60_000)) {
    try {
      return await action();
    } catch (cause) {
      work.signal?.throwIfAborted();
      until ??= performance.now() + times.retry;
      const error = toSendenseError(cause);
      if (performance.now() + pause > until || cannotPass(error)) throw error;
      work.log(`${what}: ${error.message}; trying again in ${Math.ceil(pause / 1000)} s`);
    }
    await delay(pause, undefined, { signal: work.signal });
  }
}

const cannotPass = (error: SendenseError): boolean =>
  finalCodes.has(error.code) || finalFaults.has(faultOf(error)?.name ?? '');
