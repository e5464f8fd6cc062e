import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { pinnedAgent, readBody } from '../pinned-agent.ts';
import type { UploadPlace } from './upload-place.ts';

const { request: httpRequest } = process.getBuiltinModule('node:http');

/** How long a host may take no bytes, ms. */
const silenceMs = 120_000;
/** How long it may take for the rest once it has all, ms. */
const lastMs = 600_000;

export interface Upload {
  readonly place: UploadPlace;
  /** Of the session; it goes to no other server. */
  readonly cookie: string;
  /** For messages: `Hard disk 1`. */
  readonly label: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a streamOptimized VMDK to the place of an import, as it is made: nobody knows its length before.
 * @param make hands the bytes to `write`, in order
 * @throws SendenseError `transport.failed` with the words of the host, or `broken: true` where the connection broke; `disk.full`,
 *   `vsphere.permission|tls|unreachable`, and what `make` throws
 */
export async function uploadDisk(
  { place, cookie, label, signal }: Upload,
  make: (write: (bytes: Buffer) => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const { address, path, isOurs } = place;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  const closing = new AbortController();
  const request = httpRequest({
    agent: pinnedAgent(address, false, closing.signal),
    method: 'POST',
    host: address.host,
    port: address.port,
    path,
    headers: {
      'host': address.port === 443 ? host : `${host}:${address.port}`,
      'content-type': 'application/x-vnd.vmware-streamVmdk',
      'transfer-encoding': 'chunked',
      ...(isOurs ? { cookie } : {}),
    },
  });
  const answered = Promise.withResolvers<IncomingMessage>();
  const told = answered.promise.then(answerOf);
  const onAbort = (): void => answered.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  // An answer that comes before all was sent.
  const stopped = told.then((answer) => {
    throw refusal(answer, { label, host });
  });
  // Whoever waits for it is told.
  stopped.catch(() => undefined);
  let drained = Promise.withResolvers<void>();
  const brokeOff = (cause: unknown): SendenseError =>
    cause instanceof SendenseError
      ? cause
      : new SendenseError(
          'transport.failed',
          `${host} broke off while ${label} was sent to it: ${toSendenseError(cause).message}`,
          { cause, details: { broken: true } },
        );
  request
    .on('response', answered.resolve)
    .on('error', (error) => answered.reject(brokeOff(error)))
    .on('drain', () => drained.resolve());
  try {
    await Promise.race([
      stopped,
      make(async (bytes) => {
        signal?.throwIfAborted();
        drained = Promise.withResolvers<void>();
        if (!request.write(bytes)) await inTime(Promise.race([drained.promise, stopped]), silenceMs, brokeOff);
      }),
    ]);
    request.end();
    const answer = await inTime(told, lastMs, brokeOff);
    if (![200, 201, 204].includes(answer.status)) throw refusal(answer, { label, host });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    closing.abort();
    request.destroy();
  }
}

async function inTime<T>(work: Promise<T>, ms: number, failed: (cause: Error) => SendenseError): Promise<T> {
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: over.signal, ref: false }).then(() => {
    throw failed(new Error(`it did nothing for ${ms / 1000} s`));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

interface Answer {
  readonly status: number;
  /** What it says, shortly. */
  readonly words: string;
}

async function answerOf(answer: IncomingMessage): Promise<Answer> {
  const body = await readBody(answer).catch(() => '');
  const words = body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 500);
  return { status: answer.statusCode ?? 0, words };
}

const isFull = /insufficient disk space|no space left|disk (is )?full|not enough (disk )?space/i;

function refusal({ status, words }: Answer, { label, host }: { readonly label: string; readonly host: string }) {
  const said = `${host} did not take ${label} (HTTP ${status})${words === '' ? '' : `: ${words}`}`;
  if (isFull.test(words))
    return new SendenseError('disk.full', `the datastore is full: ${said}`, {
      remedy: 'Free space on the datastore, then run the restore again.',
    });
  if (status === 401 || status === 403) return new SendenseError('vsphere.permission', said);
  return new SendenseError('transport.failed', said);
}
