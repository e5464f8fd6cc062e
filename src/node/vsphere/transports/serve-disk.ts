import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { connectNbd } from '../../../host/nbd/nbd-client.ts';
import { serveNbdkit } from '../../../host/nbd/nbdkit.ts';
import { explainNbdkit, type NbdkitFault } from './explain-nbdkit.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext, TransportName } from './transport.ts';

export interface DiskServer {
  readonly transport: TransportName;
  /** Arguments of nbdkit; no secrets. */
  readonly args: readonly string[];
  /** Secrets, on descriptors 3, 4, … */
  readonly pipes?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly requestBytes: number;
  /** The disk is to be written to. */
  readonly writable?: boolean;
  /** Where more than one connection helps, and the plugin says that they show the same. Default: 1. */
  readonly connections?: number;
  /** Knows better than nbdkit what is wrong. */
  readonly lastError?: () => string | null;
  /** Knows that it cannot go on, whatever is tried. */
  readonly lastFault?: () => SendenseError | null;
  /** A line after which nothing is tried any more: nbdkit is ended. What it means is the disk's `lastFault`. */
  readonly isFinal?: (line: string) => boolean;
  /** Hears each line of an nbdkit that is to say everything. Such lines hold secrets: only those that say no details are kept. */
  readonly onLine?: (line: string) => void;
}

export interface NbdkitDisk extends ServedDisk {
  /** `onLine` gets all that was said until now, before this returns. */
  catchUp(): void;
  /** Ends nbdkit. `onLine` has got its last word then; false where it did not come in time. */
  stop(): Promise<boolean>;
}

/** Lines of nbdkit that are kept. */
const keptLines = 50;

/**
 * An nbdkit that serves one disk, proven to open it and to have all of it.
 * @throws SendenseError what is wrong, as far as nbdkit says it; `transport.unsafe` for another size
 */
export async function serveDisk(
  context: TransportContext,
  disk: SnapshotDiskRef,
  how: DiskServer,
): Promise<NbdkitDisk> {
  const lines: string[] = [];
  const spoken = Promise.withResolvers<void>();
  const subject = `${disk.label} (${disk.file}) over ${how.transport}`;
  const mask = maskOf(how.pipes ?? []);
  const talkative = how.onLine !== undefined;
  const mayBeKept = (line: string): boolean => !talkative || /^nbdkit: (?!(\S+: )?debug: )/.test(line);
  const fault = (text: readonly string[]): NbdkitFault | null => explainNbdkit(text.map(mask));
  let ending = (): void => {};
  let final = false;
  let written = 0;
  const failed = ({ code, message, remedy }: NbdkitFault, cause?: unknown): SendenseError =>
    new SendenseError(code, `${subject}: ${message}`, {
      cause,
      details: { key: disk.key, transport: how.transport, ...(final ? { refused: how.transport } : {}) },
      ...(remedy === undefined ? {} : { remedy }),
    });

  await using opened = new AsyncDisposableStack();
  // There is nothing to flush: what does not end soon hangs on its server.
  const server = opened.adopt(
    await serveNbdkit({
      args: how.args,
      socket: join(context.socketFolder, `disk-${disk.key}.sock`),
      ...(how.pipes ? { pipes: how.pipes } : {}),
      ...(how.env ? { env: how.env } : {}),
      writable: how.writable,
      ...(how.writable ? { onWrite: (bytes: number) => (written += bytes) } : {}),
      signal: context.signal,
      onStderrLine: (line) => {
        how.onLine?.(line);
        if (!mayBeKept(line)) return;
        spoken.resolve();
        lines.push(talkative ? Buffer.from(line, 'latin1').toString() : line);
        if (lines.length > keptLines) lines.shift();
        if (how.isFinal?.(line)) {
          final = true;
          ending();
        }
      },
      talkative,
      describeFailure: (said) => {
        const kept = said.split('\n').filter(mayBeKept);
        return failed(fault(kept) ?? { code: 'transport.failed', message: `nbdkit ended: ${mask(kept.join('\n'))}` });
      },
    }),
    async (running) => void (await running.stop({ graceMs: 5000 })),
  );
  ending = () => void server.stop({ graceMs: 1000 }).catch(() => {});
  if (final) ending();
  const lastFault = (): SendenseError | null => {
    const known = how.lastFault?.() ?? null;
    const said = final ? fault(lines) : null;
    return known ?? (said && failed(said));
  };
  const lastError = (): string | null => {
    server.catchUp();
    return how.lastError?.() ?? fault(lines)?.message ?? null;
  };
  try {
    await using probe = await connectNbd(server.uri, { signal: context.signal, connectTimeoutMs: 120_000 });
    if (probe.size !== disk.capacity)
      throw new SendenseError(
        'transport.unsafe',
        `${subject}: it shows ${probe.size} bytes, the disk has ${disk.capacity}`,
      );
  } catch (error) {
    context.signal?.throwIfAborted();
    const known = toSendenseError(error);
    if (known.code === 'transport.unsafe') throw known;
    const certain = how.lastFault?.() ?? null;
    if (certain) throw certain;
    const better = how.lastError?.() ?? null;
    // The refusal comes by the socket, the reason by a pipe, in any order.
    if (better === null) await Promise.race([spoken.promise, delay(500)]).then(() => delay(20));
    throw failed(
      better === null
        ? (fault(lines) ?? { code: 'transport.failed', message: known.message })
        : { code: 'transport.failed', message: better },
      error,
    );
  }
  const owned = opened.move();
  return {
    uri: server.uri,
    requestBytes: how.requestBytes,
    connections: how.connections ?? 1,
    multiConn: how.connections !== undefined,
    lastError,
    lastFault,
    ...(how.writable ? { bytesWritten: () => written } : {}),
    process: server.process,
    catchUp: () => server.catchUp(),
    stop: async () => {
      await server.stop({ graceMs: 5000 });
      // Without `ref` it keeps nobody from ending who has long got the answer.
      return Promise.race([server.silent.then(() => true), delay(5000, false, { ref: false })]);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Programs repeat what they were given, now and then. */
function maskOf(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret !== '');
  return (text) => known.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}
