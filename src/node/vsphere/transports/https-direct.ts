import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { removeTree } from '../../../host/files/files.ts';
import { connectNbd } from '../../../host/nbd/nbd-client.ts';
import { auditCurl, type CurlAudit } from './audit-curl.ts';
import { keepCookieFile } from './cookie-file.ts';
import { serveDisk, type NbdkitDisk } from './serve-disk.ts';
import type { ServedDisk, SnapshotDiskRef, TransportContext } from './transport.ts';

export interface DirectFile {
  /** Path and query that the server is known to take, and to send pieces of. */
  readonly path: string;
  /** PEM of all that is trusted. */
  readonly trusted: string;
}

/** nbdkit-curl 1.32 reads one piece after the other: the size of a piece is the throughput (docs/performance.md). */
const requestBytes = 4 * 1024 * 1024;

/** A request that takes longer is made again. */
const requestSeconds = 120;

/** To the export: two threads read, hash and write, each what the other does not, and one asks. */
const directConnections = 3;

/**
 * nbdkit-curl that talks with the server itself. It gets the session's cookie by a file, and reads the file again each
 * second; what fails is asked again, on a new connection, for about a minute. All that it says is audited: what was read
 * counts once `assertSound` has found every byte of it confirmed by the server.
 */
export async function serveDirect(
  context: TransportContext,
  disk: SnapshotDiskRef,
  { path, trusted }: DirectFile,
): Promise<ServedDisk> {
  const { host, port } = context.spec;
  await using opened = new AsyncDisposableStack();
  // The run folder goes with the job, whatever becomes of its process.
  const folder = opened.adopt(await mkdtemp(join(context.socketFolder, `https-${disk.key}-`)), (name) =>
    removeTree(name),
  );
  const [authorities, nobody, cookies] = [
    join(folder, 'authorities.pem'),
    join(folder, 'none'),
    join(folder, 'cookie'),
  ];
  await Promise.all([writeFile(authorities, trusted, { mode: 0o600 }), mkdir(nobody, { mode: 0o700 })]);
  let short = false;
  let stop = (): void => {};
  const cookie = opened.use(await keepCookieFile(context, cookies, () => stop()));
  // Nothing of what follows would count.
  const audit = auditCurl(disk.capacity, () => stop());
  const served = await serveDisk(context, disk, {
    transport: 'https',
    args: [
      '--verbose',
      '-D',
      'curl.verbose=1',
      '--filter=blocksize',
      '--filter=retry',
      // That one does not try again to open the file, which a session that has ended prevents.
      '--filter=retry-request',
      'curl',
      `url=https://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
      'protocols=https',
      'followlocation=false',
      `timeout=${requestSeconds}`,
      // An empty name takes the proxies of the environment away as well.
      'proxy=',
      `cainfo=${authorities}`,
      // Without it the system's folder of authorities counts too.
      `capath=${nobody}`,
      `cookie-script=${printing(cookies)}`,
      'cookie-script-renew=1',
      'retries=6',
      'retry-delay=1',
      'retry-exponential=yes',
      'retry-request-retries=3',
      'retry-request-delay=1',
      `minblock=${smallestRead(disk.capacity)}`,
    ],
    requestBytes,
    connections: directConnections,
    onLine: (line) => {
      audit.hear(line);
      if (!line.startsWith('nbdkit: ') || line.includes(' debug: ')) return;
      if (/returned error: 40[13]\b/.test(line)) cookie.refused();
      if (/write_count == 0/.test(line)) short = true;
    },
    lastFault: () => cookie.lastFault(),
    lastError: () => audit.fault() ?? (short ? 'the server sent less than it was asked for' : cookie.lastError()),
  });
  opened.use(served);
  stop = () => void served.stop().catch(() => {});
  await proveLastPiece(context, disk, served, audit, () => cookie.lastFault());
  const unsafe = (why: string): SendenseError =>
    new SendenseError('transport.unsafe', `${disk.label} (${disk.file}) over https: ${why}`, {
      remedy: 'Look for a proxy between node and vSphere, or use the transport vddk.',
      details: { key: disk.key, transport: 'https' },
    });
  const owned = opened.move();
  return {
    ...served,
    lastFault: () => {
      served.catchUp();
      const why = audit.fault();
      return why === null ? cookie.lastFault() : unsafe(why);
    },
    assertSound: async (bytesRead) => {
      const why = (await served.stop()) ? audit.verdict(bytesRead) : 'nbdkit did not say all that the server answered';
      if (why !== null) throw unsafe(why);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * The end of the disk is what a server may stumble over, because nbdkit-curl asks for one byte behind it; and the audit is
 * seen to find what it needs before much is read.
 */
async function proveLastPiece(
  context: TransportContext,
  disk: SnapshotDiskRef,
  served: NbdkitDisk,
  audit: CurlAudit,
  refused: () => SendenseError | null,
): Promise<void> {
  const bytes = Math.min(largestPage, disk.capacity);
  const why = await (async () => {
    try {
      await using client = await connectNbd(served.uri, { signal: context.signal });
      await client.read(disk.capacity - bytes, Buffer.alloc(bytes));
    } catch (error) {
      context.signal?.throwIfAborted();
      const login = refused();
      if (login) throw login;
      return served.lastError() ?? toSendenseError(error).message;
    }
    served.catchUp();
    return audit.verdict(bytes);
  })();
  if (why !== null) throw new SendenseError('transport.failed', `${disk.label} (${disk.file}) over https: ${why}`);
}

/** A page of HTML that comes in place of data is shorter, bytes. */
const largestPage = 65_536;

/**
 * nbdkit-curl 1.32 takes the body of any answer but an error for what it asked for, and ends itself where that is too short:
 * so a page of HTML in place of data must be too short for any read. A power of two, of which the disk is a multiple.
 */
const smallestRead = (capacity: number): number => {
  let bytes = largestPage;
  while (bytes > 1 && capacity % bytes !== 0) bytes /= 2;
  return bytes;
};

/** For a POSIX shell, which nbdkit starts. nbdkit 1.32 leaves the file behind that it makes for the errors of each run. */
const printing = (file: string): string =>
  [
    'errors=$(readlink /proc/self/fd/2)',
    'case $errors in /tmp/errors??????) rm -f "$errors" ;; esac',
    `IFS= read -r cookie <${quoted(file)} && printf '%s\\n' "$cookie"`,
  ].join('; ');

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
