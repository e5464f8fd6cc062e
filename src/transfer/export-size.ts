import { connectNbd } from '../host/nbd-client.ts';

/** Bytes of an NBD export; proves at once that it can be reached. */
export async function exportSize(uri: string, signal: AbortSignal): Promise<number> {
  await using opened = await connectNbd(uri, { signal });
  return opened.size;
}
