import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { openRegular } from '../../host/files/regular-file.ts';
import { strayFolder } from '../../repository/stray-folder.ts';
import { sha256OfFile } from '../../repository/sha256-of-file.ts';
import type { Receiver } from './receiver.ts';

export interface FileToSend {
  /** Relative to the repository. */
  readonly path: string;
  /** What the manifest says; null: it says nothing. */
  readonly bytes: number | null;
  readonly sha256: string | null;
}

/**
 * Sends a file, or the rest of it that an earlier copy did not, and has it proven at the other side.
 * @returns bytes that were sent; null: it was there already
 * @throws SendenseError `repository.damaged` where it is not what its manifest says, `repository.conflict`, `content.mismatch`
 */
export async function sendFile(
  receiver: Receiver,
  root: string,
  { path, bytes: expected, sha256: digest }: FileToSend,
  { signal, onBytes }: { readonly signal?: AbortSignal | undefined; onBytes?(count: number): void },
): Promise<number | null> {
  const file = join(root, path);
  const stray = strayFolder(root, path);
  if (stray !== null) throw new SendenseError('repository.damaged', `${path} ${stray}`);
  await using opened = await openRegular(file);
  const info = await opened.stat({ bigint: true });
  const bytes = Number(info.size);
  if (expected !== null && bytes !== expected)
    throw new SendenseError('repository.damaged', `${path} has ${bytes} bytes, ${expected} were committed`);
  const factsOf = (sha256: string): Parameters<Receiver['finish']>[0] => {
    if (digest !== null && sha256 !== digest)
      throw new SendenseError('repository.damaged', `${path} is not as its manifest says: its SHA-256 is ${sha256}`);
    return { path, bytes, mtime_ns: String(info.mtimeNs), sha256 };
  };
  let sent = 0;
  // The part that an earlier copy left may be damaged: then all of it is sent once more.
  for (let attempt = 1; attempt <= 2; attempt++) {
    const { state, offset } = await receiver.begin(path, bytes);
    if (state === 'whole') {
      if (await receiver.adopt(factsOf(await sha256OfFile(file, signal)))) return sent === 0 ? null : sent;
      throw new SendenseError('repository.conflict', `another file has the name ${path} there`);
    }
    const hash = createHash('sha256');
    let position = 0;
    for await (const piece of opened.createReadStream({
      start: 0,
      highWaterMark: 1024 * 1024,
      autoClose: false,
      signal,
    })) {
      const chunk = piece as Buffer;
      hash.update(chunk);
      const skipped = Math.min(chunk.length, Math.max(0, offset - position));
      if (skipped < chunk.length) await receiver.write(chunk.subarray(skipped));
      sent += chunk.length - skipped;
      position += chunk.length;
      onBytes?.(chunk.length);
    }
    if (await receiver.finish(factsOf(hash.digest('hex')))) return sent;
  }
  throw new SendenseError('content.mismatch', `${path} did not arrive as it was sent, twice`);
}
