import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connectPinned, type PinnedAddress } from './connect-pinned.ts';
import { aboutAMinute, patiently } from './patiently.ts';

/** As `connectPinned`, to a server that was there a moment ago: tried again for about a minute where it is out of reach. */
export const connectPatiently = (
  address: PinnedAddress,
  signal?: AbortSignal,
  more: ConnectionOptions = {},
): Promise<TLSSocket> =>
  patiently(() => connectPinned(address, signal, more), { signal, pauseMs: 200, attempts: aboutAMinute });
