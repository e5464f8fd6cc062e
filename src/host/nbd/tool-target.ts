import { removeTree } from '../files/files.ts';
import { parseNbdUri, tlsUri } from './nbd-uri.ts';
import { pskFileIn, writePsk } from './psk-file.ts';

/**
 * A target as libnbd's tools take it: the key to an encrypted one is in a file in `folder`, which is made, and removed when
 * this is disposed of.
 */
export async function toolTarget(
  target: string,
  psk: string | null | undefined,
  folder: string,
): Promise<{ readonly uri: string } & AsyncDisposable> {
  const address = parseNbdUri(target);
  if (address?.kind !== 'tls' || !psk) return { uri: target, [Symbol.asyncDispose]: async () => {} };
  await writePsk(folder, psk);
  const { host, port, exportName, identity } = address;
  return {
    uri: `${tlsUri(host, port, exportName, identity)}?tls-psk-file=${encodeURIComponent(pskFileIn(folder))}`,
    [Symbol.asyncDispose]: () => removeTree(folder),
  };
}
