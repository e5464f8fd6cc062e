import { readdirSync, readFileSync, readlinkSync, statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';

/** A program that has a file open for writing. */
export interface OpenWriter {
  readonly path: string;
  readonly pid: number;
  /** Name of the program, as the kernel keeps it. */
  readonly program: string;
}

/**
 * The first program of this machine that has one of these files or block devices open for writing. Programs of other users are seen
 * by root alone. A file that a program has mapped and then closed is not seen. Source: proc_pid_fd(5), proc_pid_fdinfo(5).
 */
export async function openForWriting(paths: readonly string[]): Promise<OpenWriter | null> {
  const wanted = new Map<bigint, { readonly path: string; readonly info: BigIntStats }[]>();
  const devices: { readonly path: string; readonly info: BigIntStats }[] = [];
  for (const path of paths) {
    const info = await stat(path, { bigint: true }).catch(() => null);
    if (!info) continue;
    if (info.isBlockDevice()) devices.push({ path, info });
    else wanted.set(info.ino, [...(wanted.get(info.ino) ?? []), { path, info }]);
  }
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    for (const number of openFilesOf(name)) {
      const candidates = writable(name, number, wanted, devices);
      const found = candidates.length > 0 && identified(name, number, candidates);
      if (found) return { path: found, pid: Number(name), program: programName(name) };
    }
    await breathe();
  }
  return null;
}

interface Candidate {
  readonly path: string;
  readonly info: BigIntStats;
}

/** Which of the files this can be, by what the kernel tells without a look at the file itself: its file system may hang. */
function writable(
  pid: string,
  number: string,
  wanted: ReadonlyMap<bigint, readonly Candidate[]>,
  devices: readonly Candidate[],
): readonly Candidate[] {
  const name = unlessGone(() => readlinkSync(`/proc/${pid}/fd/${number}`)) ?? '';
  // Most are sockets, pipes and the like.
  if (!name.startsWith('/') || name === '/dev/null' || name.startsWith('/dev/pts/')) return [];
  const text = unlessGone(() => readFileSync(`/proc/${pid}/fdinfo/${number}`, 'latin1')) ?? '';
  const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(text)?.[1] ?? '0', 8);
  if ((flags & accessMode) === 0 || (flags & pathOnly) !== 0) return [];
  const inode = /^ino:\s*([0-9]+)$/m.exec(text)?.[1];
  // Kernels before 5.14 do not tell the inode.
  const files = inode === undefined ? [...wanted.values()].flat() : (wanted.get(BigInt(inode)) ?? []);
  return name.startsWith('/dev/') ? [...files, ...devices] : files;
}

/** O_WRONLY or O_RDWR, and O_PATH. Source: Linux, include/uapi/asm-generic/fcntl.h. */
const accessMode = 0o3;
const pathOnly = 0o10000000;

function identified(pid: string, number: string, candidates: readonly Candidate[]): string | undefined {
  const open = unlessGone(() => statSync(`/proc/${pid}/fd/${number}`, { bigint: true }));
  if (!open) return undefined;
  return candidates.find(({ info }) =>
    info.isBlockDevice()
      ? open.isBlockDevice() && open.rdev === info.rdev
      : open.dev === info.dev && open.ino === info.ino,
  )?.path;
}

const openFilesOf = (pid: string): string[] => unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];

const programName = (pid: string): string =>
  (unlessGone(() => readFileSync(`/proc/${pid}/comm`, 'utf8')) ?? 'a program').trim().replaceAll(/[^\x20-\x7e]/g, '?');

/** Null where the process or the file is gone, or is not ours to look at. */
function unlessGone<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
