import { createAllocationMap } from '../blocks/allocation-map.ts';
import { totalLength, type Extent } from '../blocks/extents.ts';
import { pagesOf } from '../blocks/page-work.ts';
import { connectNbd } from '../host/nbd/nbd-client.ts';

/** How many bytes of these extents an export has as data: the rest are holes, which a copy tells and does not send. */
export async function dataWithin(uri: string, extents: readonly Extent[], signal: AbortSignal): Promise<number> {
  await using client = await connectNbd(uri, { signal });
  const map = createAllocationMap(client);
  let bytes = 0;
  for (const { wanted } of pagesOf(extents)) bytes += totalLength(await map.dataWithin(wanted, client.size));
  return bytes;
}
