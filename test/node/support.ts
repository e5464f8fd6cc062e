import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { unixUri } from '../../src/host/nbd/nbd-uri.ts';
import { nodeClient, type NodeClient } from '../../src/host/node-api/node-client.ts';
import { argvOf } from '../../src/host/programs/process-identity.ts';
import { serveNbd, type NbdServer } from '../../src/host/nbd/qemu-nbd.ts';
import { imageSource } from '../../src/node/sources/image/image-source.ts';
import { startNode, type RunningNode } from '../../src/node/start-node.ts';
import type { OpenSource } from '../../src/sources/open-source.ts';
import type { BackupStartRequest, ImageSourceSpec, JobStatus } from '../../src/schemas/types.ts';
import { randomBytes } from '../support/random.ts';
import { removeJobSockets } from '../support/remove-job-sockets.ts';

export const MiB = 1024 * 1024;
export const token = 'canary-token-0123456789abcdef';

/** A fresh folder; when it closes nothing of it may be left running. */
export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  path(name: string): string;
}

/** As a job opens an image, of a node to which `own` belongs. */
export const openImage = (at: Workshop, spec: ImageSourceSpec, own: readonly string[] = []): Promise<OpenSource> =>
  imageSource.open(spec, {
    vmName: 'vm',
    login: null,
    own,
    jobId: 'job',
    backupId: null,
    expected: [],
    warn: () => undefined,
    log: () => undefined,
    activity: () => undefined,
    left: () => undefined,
    jobFolder: at.folder,
    socketFolder: at.folder,
  });

export async function workshop(parent = tmpdir()): Promise<Workshop> {
  const folder = await mkdtemp(join(parent, 'sendense-node-test-'));
  return {
    folder,
    path: (name) => join(folder, name),
    [Symbol.asyncDispose]: async () => {
      // What was told to end gets a moment to do so; what stays is a leak.
      await until(() => processesOf(folder).length === 0, 'processes gone', 200_000).catch(() => {});
      const left = processesOf(folder);
      for (const { pid } of left) process.kill(pid, 'SIGKILL');
      await removeJobSockets(folder);
      await rm(folder, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`left running: ${left.map(({ argv }) => argv.join(' ')).join('\n')}`);
    },
  };
}

/** Processes whose command line names the folder, also percent-encoded. */
export function processesOf(folder: string): { pid: number; argv: string[] }[] {
  const marks = [folder, encodeURIComponent(folder)];
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), argv: argvOf(Number(name)) }))
    .filter(({ argv }) => argv.some((arg) => marks.some((mark) => arg.includes(mark))));
}

/** A sparse raw disk with random data in some places. */
export async function makeRaw(
  path: string,
  size: number,
  data: readonly (readonly [offset: number, length: number])[] = [],
): Promise<string> {
  await writeFile(path, '');
  await truncate(path, size);
  await writeAt(path, ...data.map(([offset, length]) => [offset, randomBytes(length)] as const));
  return path;
}

export async function writeAt(
  path: string,
  ...pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]
): Promise<void> {
  await using handle = await open(path, 'r+');
  for (const [offset, bytes] of pieces) await handle.write(bytes, 0, bytes.length, offset);
}

export const convert = (from: string, to: string, format: string): string => {
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, from, to]);
  return to;
};

export interface Target extends AsyncDisposable {
  readonly file: string;
  readonly uri: string;
  readonly server: NbdServer;
}

/** A fresh qcow2, served for writing as the hub does it. */
export async function target(at: Workshop, name: string, size: number, backing: string | null = null): Promise<Target> {
  const file = at.path(`${name}.qcow2`);
  const base = backing === null ? [] : ['-F', 'qcow2', '-b', backing];
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, file, String(size)]);
  const server = await serveNbd({
    file,
    format: 'qcow2',
    readOnly: false,
    listen: { socket: at.path(`${name}.sock`) },
    exportName: name,
    pidFile: at.path(`${name}.pid`),
    description: randomUUID(),
  });
  return { file, uri: server.uri, server, [Symbol.asyncDispose]: async () => void (await server.stop()) };
}

/** An export that takes so long to fill that a test can act meanwhile. */
export async function slowTarget(
  at: Workshop,
  name: string,
  size: number,
): Promise<{ readonly uri: string } & AsyncDisposable> {
  const socket = at.path(`${name}.sock`);
  const args = [
    '--foreground',
    '--exit-with-parent',
    `--unix=${socket}`,
    '--filter=rate',
    'memory',
    String(size),
    'rate=16M',
  ];
  const child = spawn('nbdkit', args, { stdio: 'ignore' });
  // Listened for from the start: it may end by itself before it is disposed of.
  const ended = once(child, 'exit');
  await until(() => existsSync(socket), socket);
  return {
    uri: unixUri(socket, ''),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Throws with what qemu-img says where two images differ. */
export const assertSame = (a: string, aFormat: string, b: string, bFormat = 'qcow2'): void =>
  void execFileSync('qemu-img', ['compare', '-q', '-f', aFormat, '-F', bFormat, a, b]);

export const imageDisk = (
  path: string,
  more: Partial<ImageSourceSpec['disks'][number]> = {},
): ImageSourceSpec['disks'][number] => ({
  path,
  format: null,
  uuid: null,
  allow_in_use: false,
  changes: null,
  ...more,
});

export const imageSpec = (...disks: (string | ImageSourceSpec['disks'][number])[]): ImageSourceSpec => ({
  type: 'image',
  disks: disks.map((disk) => (typeof disk === 'string' ? imageDisk(disk) : disk)) as ImageSourceSpec['disks'],
});

type RequestDisk = NonNullable<BackupStartRequest['disks']>[number];

/** A full backup of a source into targets, in the order of its disks. */
export const fullRequest = (jobId: string, source: ImageSourceSpec, uris: readonly string[]): BackupStartRequest => ({
  job_id: jobId,
  vm_name: 'pgtest1',
  nbd_targets: uris.map((uri, key) => `${key}:${uri}`).join(','),
  backup_type: 'full',
  source,
  disks: uris.map((_, key): RequestDisk => ({
    key: String(key),
    mode: 'full',
    method: 'full',
    previous_change_id: null,
    previous_index: null,
  })),
});

export const incrementalRequest = (
  jobId: string,
  source: ImageSourceSpec,
  uri: string,
  disk: { method: 'areas' | 'digest'; changeId: string | null; index: string | null },
): BackupStartRequest => ({
  job_id: jobId,
  vm_name: 'pgtest1',
  nbd_targets: `0:${uri}`,
  backup_type: 'incremental',
  source,
  disks: [
    {
      key: '0',
      mode: 'incremental',
      method: disk.method,
      previous_change_id: disk.changeId,
      previous_index: disk.index,
    },
  ],
});

export interface TestNode extends AsyncDisposable {
  readonly running: RunningNode;
  readonly api: NodeClient;
  readonly stateDir: string;
}

export async function testNode(at: Workshop, stateDir = at.path('state')): Promise<TestNode> {
  const running = await startNode({ listen: { socket: at.path('node.sock') }, stateDir, token });
  return {
    running,
    api: nodeClient({ url: running.url, token }),
    stateDir,
    [Symbol.asyncDispose]: () => running.close(),
  };
}

/** Polls until the condition holds; a bound on the wait, not a guess at its length. */
export async function until<T>(
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  what: string,
  ms = 200_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await delay(10);
  }
}

export const finished = (api: NodeClient, id: string): Promise<JobStatus> =>
  until(async () => {
    const job = await api.status(id);
    return job.finished === null ? null : job;
  }, `job ${id} finished`);

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

export const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;
