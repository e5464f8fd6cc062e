import { readFile, stat } from 'node:fs/promises';

/**
 * Which of these files a program of this machine has locked, as QEMU locks every image that it has open. Files that are
 * gone are not among them. Source: proc_locks(5): `5: OFDLCK ADVISORY READ -1 fe:00:2335137 203 203`.
 */
export const lockedFiles = (paths: readonly string[]): Promise<string[]> => filesWith(paths, () => true);

/**
 * Which of these files a QEMU of this machine has open for writing, whoever runs it. It locks a byte for each permission that it
 * uses: 101 to write, 103 to resize. It locks no block devices. Source: QEMU, block/file-posix.c, `RAW_LOCK_PERM_BASE`;
 * include/block/block-common.h, `BLK_PERM_WRITE`, `BLK_PERM_RESIZE`.
 */
export const lockedByQemuWriters = (paths: readonly string[]): Promise<string[]> =>
  filesWith(
    paths,
    ({ kind, from, to }) =>
      kind === 'OFDLCK' && from >= 100 && [101, 103].some((permission) => from <= permission && permission <= to),
  );

interface FileLock {
  readonly kind: string;
  /** Device and inode, as the kernel prints them. */
  readonly file: string;
  /** First and last byte. */
  readonly from: number;
  readonly to: number;
}

async function filesWith(paths: readonly string[], counts: (lock: FileLock) => boolean): Promise<string[]> {
  const text = await readFile('/proc/locks', 'utf8').catch(() => '');
  const locked = new Set(
    [...text.matchAll(/^[0-9]+: (?:-> )?([A-Z]+) .* ([0-9a-f]+:[0-9a-f]+:[0-9]+) ([0-9]+) ([0-9]+|EOF)$/gm)]
      .map(([, kind = '', file = '', from, to]) => ({
        kind,
        file,
        from: Number(from),
        to: to === 'EOF' ? Infinity : Number(to),
      }))
      .filter(counts)
      .map(({ file }) => file),
  );
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
  const { major, minor } = deviceNumbers(device);
  return [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':');
}

/** Source: makedev(3). */
export const deviceNumbers = (device: bigint): { readonly major: bigint; readonly minor: bigint } => ({
  major: ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn),
  minor: (device & 0xffn) | ((device >> 12n) & ~0xffn),
});
