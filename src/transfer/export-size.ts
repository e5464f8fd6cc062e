import { connectNbd, type NbdOptions } from '../host/nbd/nbd-client.ts';

/** Bytes of an NBD export; proves at once that it can be reached. */
export async function exportSize(uri: string, options: NbdOptions): Promise<number> {
  await using opened = await connectNbd(uri, options);
  return opened.size;
}
