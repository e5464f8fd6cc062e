import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { runTool } from '../../../host/programs/process.ts';
import { spawnBound } from '../../../host/programs/spawn-bound.ts';
import { filesMounts, mountName, release } from './mount-table.ts';
import { serveSftp, type SftpTree } from './sftp-server.ts';

const mountMs = 60_000;
const betweenMs = 20;

interface MountOptions {
  /** What is mounted, for people who look at the list of mounts. */
  readonly name: string;
  /** Empty folder, absolute. */
  readonly target: string;
  readonly signal: AbortSignal;
  mounted(): void;
  /** No program waits for an answer any more. */
  ended(): void;
}

/**
 * Mounts a tree on a folder, for this user alone and read-only, and serves it until somebody unmounts it. `sshfs` is the file system: it
 * speaks SFTP with us over its standard input and output. It is unmounted when this process is gone.
 *
 * To a read that fails, sshfs answers that the file is at its end (libfuse/sshfs, issue 224), also when its input ends: a program that
 * copies would take a part for the whole. So a tree does not answer reads that fail, sshfs is never without its input, and it is killed
 * where others would be asked to end: only then the kernel tells those who read of an error.
 * @throws SendenseError `tool.failed` where it cannot be mounted; on abort the signal's reason
 */
export async function mountTree(tree: SftpTree, { name, target, signal, mounted, ended }: MountOptions): Promise<void> {
  const words = ['sshfs', '-f', '-o', (await optionsFor(name)).join(), 'sendense:', target];
  signal.throwIfAborted();
  const child = spawnBound('/bin/sh', ['-c', withLastingInput, 'sendense', mountName(''), target, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(-2000)));
  let isGone = false;
  const gone = new Promise<void>((resolve) => child.once('error', () => resolve()).once('close', () => resolve()));
  void gone.then(() => (isGone = true));
  const [input, output] = [child.stdin as Writable, child.stdout as Readable];
  const served = serveSftp(output, input, tree).catch(() => child.kill('SIGKILL'));
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    for (const until = performance.now() + mountMs; !isMounted(target); await delay(betweenMs)) {
      signal.throwIfAborted();
      if (isGone || performance.now() > until)
        throw new SendenseError('tool.failed', `${target} could not be mounted: ${said.trim() || 'sshfs has ended'}`);
    }
    mounted();
    await Promise.race([gone, aborted]);
    signal.throwIfAborted();
    if (child.signalCode !== null) throw new SendenseError('tool.failed', `sshfs was ended by ${child.signalCode}`);
  } finally {
    child.kill('SIGKILL');
    await gone;
    input.destroy();
    ended();
    await served;
    if (isMounted(target))
      await release(target).catch((error: unknown) => {
        // Whoever copies may have been quicker.
        if (isMounted(target)) throw error;
      });
  }
}

/**
 * Starts sshfs with a standard input that does not end: a pipe that it holds open itself. What is written to ours is copied there. Whoever
 * copies releases the folder when we are gone and sshfs with us. Words: what the mount is called, the folder, sshfs and its words.
 */
const withLastingInput = `
mount=$1 target=$2; shift 2
folder=$(mktemp -d) && mkfifo -m 600 "$folder/input" && exec 4<>"$folder/input" 5>"$folder/input" || exit 1
rm -r "$folder"
exec 3<&0
{
  cat <&3 >&5
  for _ in 1 2 3 4 5 6 7 8 9; do kill -0 $$ || break; sleep 0.1; done
  if grep -qF " $mount" /proc/self/mountinfo; then fusermount3 -u -z -- "$target"; fi
} 4<&- > /dev/null 2>&1 &
exec "$@" <&4 3<&- 5>&-
`;

/** By this process: once it is unmounted, somebody else may mount there while a program still reads a file of ours. */
const isMounted = (target: string): boolean =>
  filesMounts().some(({ folder, pid }) => folder === target && pid === process.pid);

/** A restore point does not change: what was asked once is kept. Source: sshfs(1). */
const cached = [
  'dcache_timeout=3600',
  'dcache_max_size=50000',
  'entry_timeout=3600',
  'attr_timeout=3600',
  'kernel_cache',
];

async function optionsFor(name: string): Promise<string[]> {
  const help = await runTool('sshfs', ['-h'], { allowFailure: true, timeoutMs: 10_000 });
  // Links lead nowhere out of a volume as we show them (`innerLink`); newer versions refuse those with `..` on their own.
  const links = `${help.stdout}${help.stderr}`.includes('contain_symlinks') ? ['no_contain_symlinks'] : [];
  return ['passive', 'ro', 'nosuid', 'nodev', 'noexec', `fsname=${mountName(name)}`, ...cached, ...links];
}
