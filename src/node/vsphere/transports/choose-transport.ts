import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { checkHttps } from './https.ts';
import { checkSsh } from './ssh.ts';
import type { SnapshotDiskRef, TransportContext, TransportName } from './transport.ts';
import { checkVddk } from './vddk.ts';

export interface TransportChoice<T = unknown> {
  readonly name: TransportName;
  readonly reason: string;
  /** Those before it in the settings, and why not they. */
  readonly tried: readonly { readonly name: TransportName; readonly why: string }[];
  /** What opening it gave; undefined where nothing was to be opened. */
  readonly opened: T | undefined;
}

const checks = { vddk: checkVddk, https: checkHttps, ssh: checkSsh } as const;

/**
 * The first transport of the settings that can read all disks; one for all, so that a backup has one cause of its speed
 * and its faults.
 * @param open proves by the first disk what a check cannot tell: a port that a firewall blocks, a login that is refused
 * @throws SendenseError as {@link firstTransport} does
 */
export const chooseTransport = <T>(
  context: TransportContext,
  disks: readonly SnapshotDiskRef[],
  open?: (name: TransportName) => Promise<T>,
): Promise<TransportChoice<T>> => firstTransport(context, 'read', (name) => checks[name](context, disks), open);

/**
 * The first transport of the settings against which nothing speaks.
 * @param check answers why it is possible, or throws why not
 * @throws SendenseError with what is wrong with each: by the code that all of them agree on, else `transport.unavailable`;
 *   with a single one in the settings its own error
 */
export async function firstTransport<T>(
  context: Pick<TransportContext, 'spec' | 'signal'>,
  what: 'read' | 'write',
  check: (name: TransportName) => Promise<string>,
  open?: (name: TransportName) => Promise<T>,
): Promise<TransportChoice<T>> {
  const failures: { readonly name: TransportName; readonly error: SendenseError }[] = [];
  for (const name of context.spec.transports) {
    context.signal?.throwIfAborted();
    try {
      const reason = await check(name);
      const opened = await open?.(name);
      const tried = failures.map((failure) => ({ name: failure.name, why: failure.error.message }));
      return { name, reason, tried, opened };
    } catch (error) {
      context.signal?.throwIfAborted();
      failures.push({ name, error: toSendenseError(error) });
    }
  }
  throw noneOf(failures, what);
}

function noneOf(
  failures: readonly { readonly name: TransportName; readonly error: SendenseError }[],
  what: 'read' | 'write',
): SendenseError {
  const [first, ...rest] = failures.map(({ error }) => error);
  if (first && rest.length === 0) return first;
  const tried = failures.map(({ name, error }) => ({ name, why: error.message }));
  return new SendenseError(
    first && rest.every(({ code }) => code === first.code) ? first.code : 'transport.unavailable',
    `no transport can ${what} the disks: ${tried.map(({ name, why }) => `${name}: ${why}`).join('; ')}`,
    { cause: failures.at(-1)?.error, details: { tried } },
  );
}

/** In words, with those before it in the settings. */
export const reasonOf = ({ reason, tried }: TransportChoice): string =>
  [reason, ...tried.map(({ name, why }) => `not ${name}: ${why}`)].join('; ');
