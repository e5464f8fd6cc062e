import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions as HttpsOptions } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { SendenseError } from '../../errors/sendense-error.ts';
import { bounded, boundedText } from '../net/bounded-answer.ts';
import { firstProbeMs } from '../net/keep-alive.ts';
import type { ImageKey } from '../images/image-options.ts';
import { contentStream, lockingStream } from '../images/locked-file.ts';
import { called, limited, limits, lost, parse, read, refusal, type NodeAddress, type Size } from './node-answers.ts';
import { connectProven } from './node-proof.ts';
import { socketPath } from '../files/socket-path.ts';
import type {
  BackupStartRequest,
  AttachChecked,
  AttachCheckRequest,
  AttachedDisks,
  AttachedListRequest,
  AttachEnded,
  AttachEndRequest,
  BackupStarted,
  CleanedUp,
  CleanupRequest,
  CredentialsTested,
  CredentialsTestRequest,
  DataPathTested,
  DataPathTestRequest,
  Detached,
  DetachRequest,
  Discovered,
  DiscoverRequest,
  DoctorOutput,
  InPlaceChecked,
  InPlaceCheckRequest,
  InPlaceEnded,
  InPlaceEndRequest,
  InPlaceStartRequest,
  Inventory,
  JobStatus,
  LeftBehind,
  IndexFormats,
  NodeHealth,
  RestoreChecked,
  RestoreCheckRequest,
  RestoreCompareRequest,
  RestoreFinished,
  RestoreFinishRequest,
  RestorePowered,
  RestorePowerRequest,
  RestoreStartRequest,
  RestoreUndone,
  RestoreUndoRequest,
} from '../../schemas/types.ts';

export interface EndedJob {
  /** False: it still closes its source. */
  readonly gone: boolean;
  /** Null: not known, because nobody knows the job any more, or its process died. */
  readonly left: readonly LeftBehind[] | null;
}

/** The node's API, `docs/node-api.md`. Every call throws `node.unreachable`, `node.refused` or what the node says. */
export interface NodeClient {
  readonly url: string;
  /** What messages call it: `node site-b`. */
  readonly label: string;
  /** @param padBytes makes question and answer so much longer, so that they take packets of full size */
  health(signal?: AbortSignal, padBytes?: number): Promise<NodeHealth>;
  /** What the node finds wrong with itself; an older node answers 404. */
  doctor(signal?: AbortSignal): Promise<DoctorOutput>;
  /** The disks of one VM; the request names it. */
  discover(request: DiscoverRequest, signal?: AbortSignal): Promise<Discovered>;
  /** All VMs of a vSphere source. */
  inventory(request: Omit<DiscoverRequest, 'vm_name'>, signal?: AbortSignal): Promise<Inventory>;
  /** Logs in and compares the user's privileges with those that a backup needs. */
  testCredential(request: CredentialsTestRequest, signal?: AbortSignal): Promise<CredentialsTested>;
  /** Looks at the way to the disks of this hub; an older node answers 404. */
  testDataPath(request: DataPathTestRequest, signal?: AbortSignal): Promise<DataPathTested>;
  /**
   * Makes a block index known to the node under its SHA-256 (hex); nothing happens where it is known already.
   * @param content a file, or its bytes, each time anew
   * @param key of a file that is encrypted here
   */
  putIndex(
    sha256: string,
    content: string | (() => Readable),
    signal?: AbortSignal,
    key?: ImageKey | null,
  ): Promise<void>;
  /** The formats of block indexes that it knows; an older node answers 404. */
  indexFormats(signal?: AbortSignal): Promise<IndexFormats>;
  startBackup(request: BackupStartRequest, signal?: AbortSignal): Promise<BackupStarted>;
  /** What a new VM would be; an older node answers 404. @throws SendenseError `target.unfit`, `transport.unavailable`, `vsphere.*` */
  checkRestore(request: RestoreCheckRequest, signal?: AbortSignal): Promise<RestoreChecked>;
  /** Makes it, and writes its disks. */
  startRestore(request: RestoreStartRequest, signal?: AbortSignal): Promise<BackupStarted>;
  /** Reads its disks, and compares them with block indexes that the node has. */
  compareRestore(request: RestoreCompareRequest, signal?: AbortSignal): Promise<BackupStarted>;
  /** Takes its mark away. */
  finishRestore(request: RestoreFinishRequest, signal?: AbortSignal): Promise<RestoreFinished>;
  /** Starts it once its mark is gone, waits until it is up, or stops it. @throws SendenseError `vsphere.*` */
  powerRestore(request: RestorePowerRequest, signal?: AbortSignal): Promise<RestorePowered>;
  /** Removes it, as long as it is marked. @throws SendenseError `node.busy` while a job of it goes on, `vsphere.*` */
  undoRestore(request: RestoreUndoRequest, signal?: AbortSignal): Promise<RestoreUndone>;
  /** What speaks against a restore in place; an older node answers 404. @throws SendenseError `source.missing`, `target.unfit`, `vsphere.*` */
  checkInPlace(request: InPlaceCheckRequest, signal?: AbortSignal): Promise<InPlaceChecked>;
  /** Marks a VM and writes to its disks what differs. */
  startInPlace(request: InPlaceStartRequest, signal?: AbortSignal): Promise<BackupStarted>;
  /** Takes its mark away, or looks. @throws SendenseError `node.busy` while a job of it goes on, `target.unfit`, `vsphere.*` */
  endInPlace(request: InPlaceEndRequest, signal?: AbortSignal): Promise<InPlaceEnded>;
  /** What speaks against attaching disks to a VM; an older node answers 404. @throws SendenseError `source.missing`, `target.unfit`, `vsphere.*` */
  checkAttach(request: AttachCheckRequest, signal?: AbortSignal): Promise<AttachChecked>;
  /** Attaches them, looks, or takes them off again. @throws SendenseError `target.unfit`, `vsphere.*` */
  endAttach(request: AttachEndRequest, signal?: AbortSignal): Promise<AttachEnded>;
  attachedDisks(request: AttachedListRequest, signal?: AbortSignal): Promise<AttachedDisks>;
  /** Takes attached disks off and removes their files. @throws SendenseError `target.unfit`, `vsphere.*` */
  detachDisks(request: DetachRequest, signal?: AbortSignal): Promise<Detached>;
  status(jobId: string, signal?: AbortSignal): Promise<JobStatus>;
  /** Writes the block index of a finished disk to `file`, which must not exist, encrypted where a key is given. */
  getIndex(
    jobId: string,
    key: string,
    file: string,
    signal?: AbortSignal,
    fileKey?: ImageKey | null,
    mostBytes?: number,
  ): Promise<void>;
  /** Writes the configuration of the job's VM to `file`, which must not exist, encrypted where a key is given. */
  getVmConfig(jobId: string, file: string, signal?: AbortSignal, fileKey?: ImageKey | null): Promise<void>;
  cancel(jobId: string, signal?: AbortSignal): Promise<void>;
  log(jobId: string, signal?: AbortSignal): Promise<string>;
  /** Stops the job where it still runs and removes all it left on the node; an unknown job is fine. False: it still removes its snapshot. */
  remove(jobId: string, signal?: AbortSignal): Promise<boolean>;
  /** The same, with what the job left at its source. */
  end(jobId: string, signal?: AbortSignal): Promise<EndedJob>;
  /**
   * Removes what an ended job left at its source (`job_id` of the request).
   * @throws SendenseError `snapshot.left`, `node.busy` while the job goes on, `vsphere.*`
   */
  cleanUp(request: CleanupRequest, signal?: AbortSignal): Promise<CleanedUp>;
}

// `import` of node:http makes a facade of all it exports, undici among it: 70 ms at every start.
const { request: httpRequest } = process.getBuiltinModule('node:http');
const { request: httpsRequest } = process.getBuiltinModule('node:https');

/** How long the node may be silent while vCenter starts or removes a VM: a hub that hangs up has the node cancel that task, ms. */
const taskSilenceMs = 15 * 60_000;
/** Its checks come one after the other, some with time limits of many seconds, ms. */
const doctorSilenceMs = 150_000;

export function nodeClient(address: NodeAddress): NodeClient {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    more: Record<string, string> = {},
    silenceMs?: number,
  ): Promise<IncomingMessage> => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> =
      payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const feed: Feed = (request) => void request.end(payload);
    return send(address, method, path, { ...headers, ...more }, signal, feed, silenceMs);
  };
  const json = async <T>(
    schema: string,
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    more?: Record<string, string>,
    size: Size = limits.json,
    silenceMs?: number,
  ): Promise<T> =>
    parse<T>(
      schema,
      `${method} ${path}`,
      await read(address, `${method} ${path}`, signal, async () =>
        boundedText(
          await call(method, path, body, signal, more, silenceMs),
          limited(address, `${method} ${path}`, size),
        ),
      ),
    );
  /** What waits for a task of vCenter. */
  const afterTask = <T>(schema: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
    json(schema, 'POST', path, body, signal, {}, limits.json, taskSilenceMs);
  const fetchTo = async (
    path: string,
    file: string,
    mostBytes: number,
    signal?: AbortSignal,
    key: ImageKey | null = null,
  ): Promise<void> => {
    const locking = key ? [await lockingStream(key)] : [];
    const answer = await call('GET', path, undefined, signal);
    const target = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
    await read(address, `GET ${path}`, signal, () =>
      pipeline([answer, bounded(limited(address, `GET ${path}`, { ...limits.file, mostBytes })), ...locking, target], {
        signal,
      }),
    );
  };
  /** An answer of which only the status counts; unread, it would keep its connection. */
  const drained = async (answer: IncomingMessage, what: string, signal?: AbortSignal): Promise<void> =>
    void (await read(address, what, signal, () => boundedText(answer, limited(address, what, limits.json))));
  const job = (id: string): string => `/api/v1/jobs/${encodeURIComponent(id)}`;
  const end: NodeClient['end'] = async (id, signal) => {
    const what = `DELETE ${job(id)}`;
    try {
      const answer = await call('DELETE', job(id), undefined, signal);
      const body = await read(address, what, signal, () => boundedText(answer, limited(address, what, limits.json)));
      if (answer.statusCode !== 200) return { gone: answer.statusCode !== 202, left: [] };
      const { left_behind: left } = parse<JobStatus>('domain.json#/$defs/jobStatus', what, body);
      return { gone: true, left: left ?? null };
    } catch (error) {
      if (!(error instanceof SendenseError && error.details?.['status'] === 404)) throw error;
      return { gone: true, left: null };
    }
  };
  return {
    url: address.url,
    label: called(address),
    health: (signal, padBytes = 0) => {
      const more: Record<string, string> = padBytes === 0 ? {} : { 'x-padding': 'x'.repeat(padBytes) };
      return json('node/health.json', 'GET', '/api/v1/health', undefined, signal, more);
    },
    doctor: (signal) =>
      json('output/doctor.json', 'POST', '/api/v1/doctor', undefined, signal, {}, limits.json, doctorSilenceMs),
    discover: (request, signal) => json('node/discovered.json', 'POST', '/api/v1/discover', request, signal),
    inventory: (request, signal) =>
      json(
        'node/inventory.json',
        'POST',
        '/api/v1/discover',
        { ...request, vm_name: null },
        signal,
        {},
        limits.inventory,
      ),
    testCredential: (request, signal) =>
      json('node/credentials-tested.json', 'POST', '/api/v1/credentials/test', request, signal),
    testDataPath: (request, signal) =>
      json('node/data-path-tested.json', 'POST', '/api/v1/data-path/test', request, signal),
    indexFormats: (signal) => json('node/index-formats.json', 'GET', '/api/v1/indexes', undefined, signal),
    putIndex: async (sha256, content, signal, key = null) => {
      await using handle = typeof content === 'string' ? await open(content) : null;
      const headers = { 'content-type': 'application/octet-stream' };
      const answer = await send(address, 'PUT', `/api/v1/indexes/${sha256}`, headers, signal, (request) => {
        // A node that answers before it has read everything ends the connection; its answer says why.
        const bytes =
          typeof content !== 'string'
            ? content()
            : key
              ? contentStream(content, key)
              : handle?.createReadStream({ autoClose: false });
        if (bytes) pipeline(bytes, request).catch((error: Error) => request.destroy(error));
      });
      await drained(answer, `PUT /api/v1/indexes/${sha256}`, signal);
    },
    startBackup: (request, signal) => json('node/backup-started.json', 'POST', '/api/v1/backup/start', request, signal),
    checkRestore: (request, signal) =>
      json('node/restore-checked.json', 'POST', '/api/v1/restore/check', request, signal),
    startRestore: (request, signal) =>
      json('node/backup-started.json', 'POST', '/api/v1/restore/start', request, signal),
    compareRestore: (request, signal) =>
      json('node/backup-started.json', 'POST', '/api/v1/restore/compare', request, signal),
    finishRestore: (request, signal) =>
      afterTask('node/restore-finished.json', '/api/v1/restore/finish', request, signal),
    powerRestore: (request, signal) => afterTask('node/restore-powered.json', '/api/v1/restore/power', request, signal),
    undoRestore: (request, signal) => afterTask('node/restore-undone.json', '/api/v1/restore/undo', request, signal),
    checkInPlace: (request, signal) =>
      json('node/in-place-checked.json', 'POST', '/api/v1/restore/in-place/check', request, signal),
    startInPlace: (request, signal) =>
      json('node/backup-started.json', 'POST', '/api/v1/restore/in-place/start', request, signal),
    endInPlace: (request, signal) =>
      afterTask('node/in-place-ended.json', '/api/v1/restore/in-place/end', request, signal),
    checkAttach: (request, signal) =>
      json('node/attach-checked.json', 'POST', '/api/v1/restore/attach/check', request, signal),
    endAttach: (request, signal) => afterTask('node/attach-ended.json', '/api/v1/restore/attach/end', request, signal),
    attachedDisks: (request, signal) =>
      json('node/attached.json', 'POST', '/api/v1/restore/attach/list', request, signal),
    detachDisks: (request, signal) => afterTask('node/detached.json', '/api/v1/restore/attach/detach', request, signal),
    status: (id, signal) =>
      json('domain.json#/$defs/jobStatus', 'GET', `/api/v1/status/${encodeURIComponent(id)}`, undefined, signal),
    getIndex: (id, key, file, signal, fileKey, mostBytes = limits.file.mostBytes) =>
      fetchTo(`${job(id)}/indexes/${encodeURIComponent(key)}`, file, mostBytes, signal, fileKey),
    getVmConfig: (id, file, signal, fileKey) =>
      fetchTo(`${job(id)}/vm-config`, file, limits.text.mostBytes, signal, fileKey),
    cancel: async (id, signal) =>
      drained(await call('POST', `${job(id)}/cancel`, {}, signal), `POST ${job(id)}/cancel`, signal),
    log: (id, signal) =>
      read(address, `GET ${job(id)}/log`, signal, async () =>
        boundedText(
          await call('GET', `${job(id)}/log`, undefined, signal),
          limited(address, `GET ${job(id)}/log`, limits.text),
        ),
      ),
    remove: async (id, signal) => (await end(id, signal)).gone,
    end,
    cleanUp: (request, signal) => json('node/cleaned-up.json', 'POST', '/api/v1/cleanup', request, signal),
  };
}

type Feed = (request: ClientRequest) => void;

async function send(
  address: NodeAddress,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  signal: AbortSignal | undefined,
  feed: Feed,
  silenceMs = address.silenceMs ?? 60_000,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const url = address.url.startsWith('unix:') ? null : new URL(path, address.url);
  const proven = await provenConnection(address, `${method} ${path}`, signal);
  const options: HttpsOptions = {
    method,
    headers: { ...headers, authorization: `Bearer ${address.token}` },
    timeout: silenceMs,
    ...(signal ? { signal } : {}),
    ...(url ? {} : { socketPath: address.url.slice('unix:'.length), path }),
    ...(proven ? { createConnection: () => proven } : { agent: false }),
    ...(url?.protocol === 'https:' ? { ca: address.ca ?? systemAuthorities() } : {}),
  };
  const request = url ? (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options) : httpRequest(options);
  request.setNoDelay(true);
  request.setSocketKeepAlive(true, firstProbeMs);
  request.on('response', resolve);
  request.on('timeout', () => request.destroy(new Error(`no answer for ${silenceMs / 1000} s`)));
  const failed = (error: Error): void =>
    reject(signal?.aborted ? signal.reason : lost(address, `${method} ${path}`, error));
  // An answer that wants another protocol (101) ends the connection and is no error for Node.js.
  request.on('error', failed).on('close', () => failed(new Error('the connection ended without an answer')));
  endDrips(request, Math.max(limits.json.mostMs, silenceMs));
  feed(request);
  const answer = await promise;
  if ((answer.statusCode ?? 0) < 300) return answer;
  const body = await read(address, `${method} ${path}`, signal, () =>
    boundedText(answer, limited(address, `${method} ${path}`, limits.json)),
  );
  throw refusal(address, answer.statusCode ?? 0, `${method} ${path}`, body);
}

/** The head of an answer comes within so long once the request is out: each byte of one that drips is a sign of life. */
function endDrips(request: ClientRequest, mostMs: number): void {
  let late: NodeJS.Timeout | undefined;
  const end = (): void => clearTimeout(late);
  request.once('response', end).once('close', end);
  request.once('finish', () => {
    late = setTimeout(() => request.destroy(new Error(`no whole answer for ${mostMs / 1000} s`)), mostMs).unref();
    if (request.destroyed) end();
  });
}

/** Null where a certificate proves the node, or nobody else can answer. */
async function provenConnection(
  address: NodeAddress,
  what: string,
  signal: AbortSignal | undefined,
): Promise<TLSSocket | null> {
  const { url, token, silenceMs = 60_000, peer } = address;
  if (peer === 'ours' || url.startsWith('https:')) return null;
  try {
    return await connectProven({ target: targetOf(url), token, label: called(address), silenceMs, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof SendenseError ? error : lost(address, what, error as NodeJS.ErrnoException);
  }
}

function targetOf(url: string): { path: string } | { host: string; port: number } {
  if (url.startsWith('unix:')) return { path: socketPath(url.slice('unix:'.length)) };
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 80) };
}

/** Of Node.js and of the system (Debian: /etc/ssl/certs). */
function systemAuthorities(): string[] {
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...getCACertificates('default'), ...getCACertificates('system')];
}
