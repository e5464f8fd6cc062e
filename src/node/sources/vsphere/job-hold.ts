import { createHash } from 'node:crypto';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { isHeld, tryToHold } from '../../held-name.ts';

const nameOf = (node: string, job: string): string =>
  `job-${createHash('sha256').update(`${node}\n${job}`).digest('hex').slice(0, 32)}`;

/**
 * Tells other jobs of this node that this one lives and works with its snapshot.
 * @throws SendenseError `node.busy` where a job of this id lives already
 */
export async function holdJob(node: string, job: string): Promise<AsyncDisposable> {
  const held = await tryToHold(nameOf(node, job));
  if (held) return held;
  throw new SendenseError('node.busy', `a job ${job} works on this node already`);
}

/** Whether a job of this node lives. */
export const isJobHeld = (node: string, job: string): Promise<boolean> => isHeld(nameOf(node, job));
