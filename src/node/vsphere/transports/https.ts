import { toSendenseError } from '../../../errors/sendense-error.ts';
import { runTool } from '../../../host/programs/process.ts';
import { isRefusal } from '../refused-logins.ts';
import { assertReadableFlat } from './assert-readable-flat.ts';
import { datastoreClient, type DatastoreClient } from './datastore-client.ts';
import { findFlatFile } from './find-flat-file.ts';
import { serveDirect } from './https-direct.ts';
import { serveRelayed } from './https-relayed.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext } from './transport.ts';
import { trustedAuthorities } from './trusted-authorities.ts';

/** What nbdkit itself has to trust (PEM), or why it cannot talk with the server itself. */
type Way = { readonly trusted: string } | { readonly relayedBecause: string };

/** @throws SendenseError why the disks cannot be read this way */
export async function checkHttps(context: TransportContext, disks: readonly SnapshotDiskRef[]): Promise<string> {
  for (const disk of disks) assertReadableFlat('https', disk);
  using client = datastoreClient(context);
  await Promise.all(disks.map((disk) => findFlatFile(client, context, disk)));
  const way = await wayTo(context);
  const how = 'trusted' in way ? '' : `; through a relay, which is slower, because ${way.relayedBecause}`;
  return `the datastore access of ${context.spec.host} has the file of each disk, whole${how}`;
}

/** By nbdkit alone where its work can be audited, else through a relay. */
export async function serveHttps(context: TransportContext, disk: SnapshotDiskRef): Promise<ServedDisk> {
  assertReadableFlat('https', disk);
  await using opened = new AsyncDisposableStack();
  const client = opened.use(datastoreClient(context));
  const path = await findFlatFile(client, context, disk);
  const way = await wayTo(context);
  if ('trusted' in way) {
    await assertPieces(client, context, disk, path);
    try {
      return await serveDirect(context, disk, { path, trusted: way.trusted });
    } catch (error) {
      context.signal?.throwIfAborted();
      const { code, message } = toSendenseError(error);
      // No other way has another password.
      if (code === 'transport.unsafe' || isRefusal(error)) throw error;
      context.warn(`${message}; the node reads it through a relay instead, which is slower`);
    }
  }
  return serveRelayed(context, disk, { client, path, opened: opened.move() });
}

async function wayTo({ spec, signal }: TransportContext): Promise<Way> {
  const { stdout } = await runTool('nbdkit', ['curl', '--dump-plugin'], { signal, allowFailure: true });
  const version = /^version=(\S+)/m.exec(stdout)?.[1];
  // The words in which it speaks of requests are known; those of others are not.
  if (!version?.startsWith('1.32.'))
    return { relayedBecause: `what nbdkit-curl ${version ?? '(of no version)'} says of answers cannot be judged` };
  const trusted = await trustedAuthorities(spec, signal);
  return trusted === null ? { relayedBecause: 'its certificate holds by the thumbprint alone' } : { trusted };
}

/** The server sends the pieces that it is asked for, before nbdkit-curl asks for many: that does not look itself. */
async function assertPieces(
  client: DatastoreClient,
  context: TransportContext,
  disk: SnapshotDiskRef,
  path: string,
): Promise<void> {
  const first = Math.floor(disk.capacity / 2);
  const last = Math.min(first + 511, disk.capacity - 1);
  await client.relay(path, { first, last }, () => undefined, context.signal);
}
