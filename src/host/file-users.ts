import { readFile, stat } from 'node:fs/promises';

/**
 * Which of these files a program of this machine has locked, as QEMU locks every image that it has open. Files that are
 * gone are not among them. Source: proc_locks(5): `5: OFDLCK ADVISORY READ -1 fe:00:2335137 203 203`.
 */
export async function lockedFiles(paths: readonly string[]): Promise<string[]> {
  const text = await readFile('/proc/locks', 'utf8').catch(() => '');
  const locked = new Set([...text.matchAll(/ ([0-9a-f]+:[0-9a-f]+:[0-9]+) [0-9]+ (?:[0-9]+|EOF)$/gm)].map((m) => m[1]));
  if (locked.size === 0) return [];
  const found: string[] = [];
  for (const path of paths) {
    const info = await stat(path, { bigint: true }).catch(() => null);
    if (info && locked.has(`${deviceName(info.dev)}:${info.ino}`)) found.push(path);
  }
  return found;
}

/** As the kernel prints a device: major and minor number, hexadecimal, two digits at least. Source: makedev(3). */
function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':');
}
