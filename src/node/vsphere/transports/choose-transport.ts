import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { checkHttps } from './https.ts';
import { checkSsh } from './ssh.ts';
import type { SnapshotDiskRef, TransportContext, TransportName } from './transport.ts';
import { checkVddk } from './vddk.ts';

export interface TransportChoice {
  readonly name: TransportName;
  readonly reason: string;
  /** Those before it in the settings, and why not they. */
  readonly tried: readonly { readonly name: TransportName; readonly why: string }[];
}

const checks = { vddk: checkVddk, https: checkHttps, ssh: checkSsh } as const;

/**
 * The first transport of the settings that can read all disks; one for all, so that a backup has one cause of its speed
 * and its faults. Changes nothing.
 * @throws SendenseError `transport.unavailable` with what is wrong with each; with a single one in the settings its own error
 */
export async function chooseTransport(
  context: TransportContext,
  disks: readonly SnapshotDiskRef[],
): Promise<TransportChoice> {
  const tried: { name: TransportName; why: string }[] = [];
  let last: SendenseError | null = null;
  for (const name of context.spec.transports) {
    context.signal?.throwIfAborted();
    try {
      const reason = await checks[name](context, disks);
      return { name, reason: reasonOf(reason, tried), tried };
    } catch (error) {
      context.signal?.throwIfAborted();
      last = toSendenseError(error);
      tried.push({ name, why: last.message });
    }
  }
  if (tried.length === 1 && last) throw last;
  throw new SendenseError(
    'transport.unavailable',
    `no transport can read the disks: ${tried.map(({ name, why }) => `${name}: ${why}`).join('; ')}`,
    { cause: last, details: { tried } },
  );
}

const reasonOf = (reason: string, tried: readonly { name: string; why: string }[]): string =>
  [reason, ...tried.map(({ name, why }) => `not ${name}: ${why}`)].join('; ');
