import { basename } from 'node:path';
import { liveProcesses, terminate } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';

const ours: readonly string[] = ['qemu-nbd', 'nbdkit', 'nbdcopy'];

/**
 * Stops the data movers of a job whose client is dead: those whose command line names a file in one of the job's folders.
 * The folders bear the job's id, so nothing else can match; also finds a qemu-nbd that has not written its pid file yet.
 * @returns how many there were
 */
export async function stopStrays(folders: readonly string[]): Promise<number> {
  const found = moversNaming(folders);
  await Promise.all(found.map(({ identity }) => stopMover(identity)));
  return found.length;
}

export const stopMover = (identity: ProcessIdentity): Promise<unknown> => terminate(identity, { graceMs: 3000 });

export interface Mover {
  readonly identity: ProcessIdentity;
  readonly program: string;
  /** The command line without the program, percent-encodings undone. */
  readonly args: readonly string[];
}

/** Data movers whose command line names something in one of these folders. */
export function moversNaming(folders: readonly string[]): Mover[] {
  // In a path, or percent-encoded in an NBD URI.
  const marks = folders.flatMap((folder) => [`${folder}/`, encodeURIComponent(`${folder}/`)]);
  const found: Mover[] = [];
  for (const { identity, argv } of liveProcesses()) {
    const [path = '', ...args] = argv;
    const program = basename(path);
    if (ours.includes(program) && args.some((arg) => marks.some((mark) => arg.includes(mark))))
      found.push({ identity, program, args: args.map((arg) => arg.replaceAll('%2F', '/')) });
  }
  return found;
}
