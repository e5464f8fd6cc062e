import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { saysNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { missing } from '../../host/programs/process.ts';
import { systemWords } from '../../host/programs/sandbox-system.ts';
import { feed } from '../feed.ts';
import { firstLines, type FirstLines } from '../first-lines.ts';

/** Where `tar` writes, in its sandbox. */
const place = '/to';

/** What root may do there beside: owners and modes are restored, devices are not made. Source: capabilities(7). */
const rights = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETFCAP'];

/**
 * Unpacks an archive that somebody else may have made up into a folder. `tar` works in a sandbox that has no other place to write to, so
 * whatever the archive says, nothing is written elsewhere. Source: bwrap(1), tar(1).
 * @param folder open descriptor of the folder
 * @param written called with each piece of the archive when `tar` has it
 * @returns what `tar` said of files that it could not make, or not with all that they had
 * @throws SendenseError `disk.full`, `files.reader`, `tool.missing`; on abort the signal's reason
 */
export async function unpack(
  archive: Readable,
  folder: number,
  signal: AbortSignal,
  written?: (piece: Buffer) => void,
): Promise<string[]> {
  signal.throwIfAborted();
  const child = spawn('bwrap', [...sandbox(isRoot()), '--', 'tar', ...tarWords(isRoot())], {
    stdio: ['pipe', 'ignore', 'pipe', folder],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  const [input, said] = [child.stdin as Writable, child.stderr as Readable];
  const text = firstLines(mostSaid);
  let isFull = false;
  said.setEncoding('utf8').on('data', (piece: string) => {
    text.add(piece);
    isFull ||= saysNoSpace(piece);
  });
  // What cannot be written to it is no failure: it says itself whether it had all.
  input.on('error', () => undefined);
  const closed = once(child, 'close') as Promise<[number | null]>;
  // Without input it ends by itself, and all of its sandbox with it: one that is killed while it is set up may leave a part.
  let late: NodeJS.Timeout | undefined;
  const stop = (): void => {
    input.destroy();
    late = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  const failed = new Error('tar has failed');
  closed.then(
    ([status]) => hadAll(text, status) || archive.destroy(failed),
    (error: Error) => archive.destroy(error),
  );
  try {
    const [fed, ended] = await Promise.allSettled([fedTo(addAbortSignal(signal, archive), input, written), closed]);
    signal.throwIfAborted();
    if (ended.status === 'rejected') throw missing('bwrap', ended.reason);
    if (isFull) throw new SendenseError('disk.full', 'the folder has no room for all of it');
    if (fed.status === 'rejected' && fed.reason !== failed) throw fed.reason;
    return judge(text, ended.value[0]);
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(late);
  }
}

/** From the end of its input to SIGKILL, ms. */
const graceMs = 10_000;
const mostSaid = 256 * 1024;
const isRoot = (): boolean => process.geteuid?.() === 0;

async function fedTo(archive: Readable, input: Writable, written?: (piece: Buffer) => void): Promise<void> {
  try {
    if (!(await feed(archive, input, written)))
      throw new SendenseError('files.reader', 'the archive goes on behind its end');
  } finally {
    input.end();
  }
}

/** Whether `tar` read the archive to its end: 2 alone may also mean that it gave up. Source: tar(1), and its messages. */
const hadAll = (text: FirstLines, status: number | null): boolean =>
  status === 0 || status === 1 || (status === 2 && previousErrors.test(text.last()));

const previousErrors = /Exiting with failure status due to previous errors/;

function judge(text: FirstLines, status: number | null): string[] {
  const lines = text.all().filter((line) => !previousErrors.test(line));
  const broken = lines.find((line) => fatal.test(line));
  if (broken === undefined && hadAll(text, status)) return lines;
  const why = broken ?? lines.at(-1) ?? `tar ended with ${status}`;
  throw new SendenseError('files.reader', `the archive could not be unpacked: ${why}`);
}

const fatal =
  /Unexpected EOF|not recoverable|does not look like a tar archive|Skipping to next header|Malformed|bwrap: /i;

const sandbox = (root: boolean): string[] =>
  [
    ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    root ? [] : ['--unshare-user'],
    ['--die-with-parent', '--new-session', '--clearenv'],
    systemWords(),
    ['--bind', '/proc/self/fd/3', place, '--chdir', place],
    ['--setenv', 'PATH', '/usr/sbin:/usr/bin:/sbin:/bin', '--setenv', 'LC_ALL', 'C.UTF-8'],
    ['--cap-drop', 'ALL'],
    root ? rights.flatMap((right) => ['--cap-add', `CAP_${right}`]) : [],
  ].flat();

/** Labels of SELinux belong to the system that gave them: they are not taken over. */
const tarWords = (root: boolean): string[] => [
  '--extract',
  '--file=-',
  '--same-permissions',
  '--numeric-owner',
  root ? '--same-owner' : '--no-same-owner',
  '--xattrs',
  root ? '--xattrs-include=*' : '--xattrs-include=user.*',
  '--xattrs-exclude=security.selinux',
  '--acls',
  '--delay-directory-restore',
  '--warning=no-timestamp',
];
