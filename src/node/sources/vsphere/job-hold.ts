import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { isHeld, tryToHold } from '../../held-name.ts';
import { forThisUser, inStateFolder, type HeldPlace } from '../../held-places.ts';

const nameOf = (node: string, job: string): string =>
  `job-${createHash('sha256').update(`${node}\n${job}`).digest('hex').slice(0, 32)}`;

/** The node's state folder; a client that somebody started alone has none, and the parent of its folder may be everybody's. */
function placeOf(jobFolder: string): HeldPlace {
  const jobs = dirname(jobFolder);
  return basename(jobs) === 'jobs' ? inStateFolder(dirname(jobs)) : forThisUser(tmpdir());
}

/**
 * Tells other jobs of this node that this one lives and works with its snapshot.
 * @param jobFolder of this job
 * @throws SendenseError `node.busy` where a job of this id lives already
 */
export async function holdJob(jobFolder: string, node: string, job: string): Promise<AsyncDisposable> {
  const held = await tryToHold(nameOf(node, job), placeOf(jobFolder));
  if (held) return held;
  throw new SendenseError('node.busy', `a job ${job} works on this node already`);
}

/**
 * Lets one job at a time of this user's nodes on this machine write to the disks of a VM, whatever marks and hubs say.
 * @param server what it says of itself, and where it was asked. A vCenter is the same one by name and by address; an ESXi host says nothing
 * of itself that nobody else could say
 * @throws SendenseError `source.half_restored`
 */
export async function holdDisks(
  server: { readonly instanceUuid: string | null; readonly host: string; readonly port: number },
  moref: string,
  name: string,
): Promise<AsyncDisposable> {
  const where = server.instanceUuid ?? `${server.host}:${server.port}`;
  const key = createHash('sha256').update(`${where.toLowerCase()}\n${moref}`).digest('hex').slice(0, 32);
  await using stack = new AsyncDisposableStack();
  for (const place of untilTheEnd()) {
    const held = await tryToHold(`vm-${key}`, place);
    if (held) stack.use(held);
    else
      throw new SendenseError('source.half_restored', `another job on this machine restores the VM ${name} in place`, {
        remedy: 'Wait until its run has ended, or cancel that. Then run the restore again: it goes on.',
      });
  }
  return stack.move();
}

/** What outlasts a logout; not every system has it, or lets programs write there. */
const lasting = '/var/tmp';

/** The first is emptied when its user logs out, and a service may have one of the second kind to itself. */
function untilTheEnd(): HeldPlace[] {
  try {
    accessSync(lasting, constants.W_OK | constants.X_OK);
    return [forThisUser(), forThisUser(lasting)];
  } catch {
    return [forThisUser()];
  }
}

/**
 * Whether a job of this node lives.
 * @param jobFolder of any job of the node
 */
export const isJobHeld = (jobFolder: string, node: string, job: string): Promise<boolean> =>
  isHeld(nameOf(node, job), placeOf(jobFolder));
