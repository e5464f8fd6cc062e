import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { runTool } from '../../../host/programs/process.ts';
import { spawnBound } from '../../../host/programs/spawn-bound.ts';
import { filesMounts, mountName, release } from './mount-table.ts';
import { serveSftp, type SftpTree } from './sftp-server.ts';

const mountMs = 60_000;
const betweenMs = 20;
/** What was asked to end is killed after so long, ms. */
const endMs = 10_000;

interface MountOptions {
  /** What is mounted, for people who look at the list of mounts. */
  readonly name: string;
  /** Empty folder, absolute. */
  readonly target: string;
  readonly signal: AbortSignal;
  mounted(): void;
}

/**
 * Mounts a tree on a folder, for this user alone and read-only, and serves it until somebody unmounts it. `sshfs` is the file system: it
 * speaks SFTP with us over its standard input and output. It ends and unmounts when this process is gone.
 * @throws SendenseError `tool.failed` where it cannot be mounted; on abort the signal's reason
 */
export async function mountTree(tree: SftpTree, { name, target, signal, mounted }: MountOptions): Promise<void> {
  const words = ['-f', '-o', (await optionsFor(name)).join(), 'sendense:', target];
  signal.throwIfAborted();
  const child = spawnBound('sshfs', words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    signal: 'TERM',
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(-2000)));
  let isGone = false;
  const gone = new Promise<void>((resolve) => child.once('error', () => resolve()).once('close', () => resolve()));
  void gone.then(() => (isGone = true));
  const [input, output] = [child.stdin as Writable, child.stdout as Readable];
  const served = serveSftp(output, input, tree).catch(() => child.kill('SIGTERM'));
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
    // Without its other end it unmounts by itself; with SIGTERM it does so at once.
    child.kill('SIGTERM');
    input.destroy();
    const kill = setTimeout(() => child.kill('SIGKILL'), endMs);
    await gone;
    clearTimeout(kill);
    await served;
    if (isMounted(target)) await release(target);
  }
}

const isMounted = (target: string): boolean => filesMounts().some(({ folder }) => folder === target);

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
