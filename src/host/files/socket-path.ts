import { openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Source: unix(7): sun_path holds 108 bytes with the final zero. */
export const longestSocketPath = 107;

/** Descriptors of folders whose sockets have paths that are too long; they stay open as long as the process lives. */
const folders = new Map<string, number>();

/** A path of that socket that the system takes: a longer one is named through its folder's descriptor. Throws the error of the system. */
export function socketPath(path: string): string {
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  const folder = dirname(path);
  const known = folders.get(folder);
  const descriptor = known ?? openSync(folder, 'r');
  folders.set(folder, descriptor);
  return `/proc/self/fd/${descriptor}/${basename(path)}`;
}
