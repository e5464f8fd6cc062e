import { connectNbdAgain } from '../host/connect-nbd-again.ts';

/** Bytes of an NBD export; proves at once that it can be reached. */
export async function exportSize(uri: string, signal: AbortSignal): Promise<number> {
  await using opened = await connectNbdAgain(uri, { signal });
  return opened.size;
}
