import { chmod, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder } from '../host/files.ts';
import type { NodeClient } from '../host/node-client.ts';
import { sha256OfFile } from '../repository/verify-chain.ts';
import type { JobStatus, NodeTransferInput, NodeTransferOutput } from '../schemas/types.ts';

/** Makes the parents' block indexes known to the node; answers their SHA-256 by disk key. */
export async function sendIndexes(
  client: NodeClient,
  root: string,
  input: NodeTransferInput,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for (const disk of input.disks) {
    if (!disk.parent) continue;
    const file = join(root, disk.parent.index_path);
    const sha256 = await sha256OfFile(file, signal);
    await client.putIndex(sha256, file, signal);
    known.set(disk.key, sha256);
  }
  return known;
}

/** Fetches the VM's configuration into the repository, proven by its SHA-256. */
export async function fetchVmConfig(
  client: NodeClient,
  jobId: string,
  root: string,
  vmConfigPath: string,
  told: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<NodeTransferOutput['vm_config']> {
  await fetchProven(
    join(root, vmConfigPath),
    told.sha256,
    'the VM configuration',
    (part) => client.getVmConfig(jobId, part, signal),
    signal,
    // It tells much of the VM.
    0o400,
  );
  return { path: vmConfigPath, ...told };
}

/** Fetches a file under a temporary name and gives it its own once its digest is the expected one. */
async function fetchProven(
  path: string,
  expected: string,
  what: string,
  fetchTo: (part: string) => Promise<void>,
  signal: AbortSignal,
  mode = 0o444,
): Promise<void> {
  const part = `${path}.sendense-part`;
  await rm(part, { force: true });
  await fetchTo(part);
  const sha256 = await sha256OfFile(part, signal);
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
  signal: AbortSignal,
): Promise<NodeTransferOutput['disks']> {
  const output: NodeTransferOutput['disks'] = [];
  for (const disk of input.disks) {
    const done = status.disks.find((entry) => entry.key === disk.key);
    if (!done || done.digest === null || done.index_sha256 === null || done.index_bytes === null) {
      throw new SendenseError('node.protocol', `the node ended the job without a digest of ${disk.disk}`);
    }
    const path = join(root, disk.index_path);
    await fetchProven(
      path,
      done.index_sha256,
      `the block index of ${disk.disk}`,
      (part) => client.getIndex(status.job_id, disk.key, part, signal),
      signal,
    );
    output.push({
      disk: disk.disk,
      key: disk.key,
      mode: disk.mode,
      method: done.method,
      reason: done.reason || disk.reason,
      bytes_transferred: done.bytes_transferred,
      change_id: done.change_id,
      digest: done.digest,
      index_path: disk.index_path,
      index_bytes: done.index_bytes,
      index_sha256: done.index_sha256,
    });
  }
  return output;
}
