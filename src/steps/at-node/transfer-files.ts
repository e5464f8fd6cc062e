import { createHash } from 'node:crypto';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mostIndexBytes } from '../../blocks/block-index-format.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import { contentStream } from '../../host/images/locked-file.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import type { JobStatus, NodeTransferInput, NodeTransferOutput } from '../../schemas/types.ts';
import { movedBytes } from '../moved-bytes.ts';

/** Fetches the VM's configuration into the repository, proven by its SHA-256. */
export async function fetchVmConfig(
  client: NodeClient,
  jobId: string,
  root: string,
  vmConfigPath: string,
  told: { readonly bytes: number; readonly sha256: string },
  key: ImageKey | null,
  signal: AbortSignal,
): Promise<NodeTransferOutput['vm_config']> {
  const file = join(root, vmConfigPath);
  await fetchProven(
    file,
    { sha256: told.sha256, what: 'the VM configuration', key },
    (part) => client.getVmConfig(jobId, part, signal, key),
    signal,
    // It tells much of the VM.
    0o400,
  );
  if (!key) return { path: vmConfigPath, ...told };
  return { path: vmConfigPath, ...(await stored(file, signal)), encryption: { format: 'openssl-enc', key_id: key.id } };
}

/** What the repository holds, encrypted or not. */
async function stored(file: string, signal: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  return { bytes: (await stat(file)).size, sha256: await sha256OfFile(file, signal) };
}

/** SHA-256 of what a file holds, hex; of what was encrypted where it is. */
export async function sha256OfContent(path: string, key: ImageKey | null, signal: AbortSignal): Promise<string> {
  if (!key) return sha256OfFile(path, signal);
  return sha256OfStream(contentStream(path, key), signal);
}

export async function sha256OfStream(content: Readable, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(content, hash, { signal });
  return hash.digest('hex');
}

interface Expected {
  /** Of what was sent. */
  readonly sha256: string;
  readonly what: string;
  /** With which it is encrypted here. */
  readonly key: ImageKey | null;
}

/** Fetches a file under a temporary name and gives it its own once its digest is the expected one. */
async function fetchProven(
  path: string,
  { sha256: expected, what, key }: Expected,
  fetchTo: (part: string) => Promise<void>,
  signal: AbortSignal,
  mode = 0o400,
): Promise<void> {
  const part = `${path}.sendense-part`;
  await rm(part, { force: true });
  await fetchTo(part);
  const sha256 = await sha256OfContent(part, key, signal);
  if (sha256 !== expected)
    throw new SendenseError('content.mismatch', `${what} arrived damaged: SHA-256 ${sha256}, sent ${expected}`);
  await chmod(part, mode);
  await fsyncFile(part);
  await rename(part, path);
  await fsyncFolder(dirname(path));
}

/** Fetches the block index of each disk into the repository, proven by its SHA-256. */
export async function fetchIndexes(
  client: NodeClient,
  root: string,
  input: NodeTransferInput,
  status: JobStatus,
  keys: ImageKeys,
  signal: AbortSignal,
): Promise<NodeTransferOutput['disks']> {
  const output: NodeTransferOutput['disks'] = [];
  for (const disk of input.disks) {
    const done = status.disks.find((entry) => entry.key === disk.key);
    if (!done || done.digest === null || done.index_sha256 === null || done.index_bytes === null) {
      throw new SendenseError('node.protocol', `the node ended the job without a digest of ${disk.disk}`);
    }
    const path = join(root, disk.index_path);
    const key = keys.of(disk);
    await fetchProven(
      path,
      { sha256: done.index_sha256, what: `the block index of ${disk.disk}`, key },
      (part) => client.getIndex(status.job_id, disk.key, part, signal, key, mostIndexBytes(disk.capacity_bytes)),
      signal,
    );
    const { bytes, sha256 } = key ? await stored(path, signal) : { bytes: done.index_bytes, sha256: done.index_sha256 };
    output.push({
      disk: disk.disk,
      key: disk.key,
      mode: disk.mode,
      method: done.method,
      reason: done.reason || disk.reason,
      bytes_transferred: done.bytes_transferred,
      ...movedBytes(done),
      change_id: done.change_id,
      digest: done.digest,
      index_path: disk.index_path,
      index_bytes: bytes,
      index_sha256: sha256,
    });
  }
  return output;
}
