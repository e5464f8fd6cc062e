import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { accountName } from '../../host/trust/accounts.ts';

/**
 * Root may write everywhere, and what it makes in the folders of a service (database, keys, logs, files of restore points) that service
 * cannot use any more. Reading is no harm.
 * @throws SendenseError `state.owner` for root, where database or folder belong to somebody else
 */
export function refuseForeignState(path: string): void {
  if (process.geteuid?.() !== 0) return;
  const owner = ownerOf(path);
  if (owner === 0) return;
  const name = accountName('/etc/passwd', owner) ?? `#${owner}`;
  throw new SendenseError(
    'state.owner',
    `you are root, and the state database ${path} belongs to ${name}: what root writes there, ${name} could not use any more`,
    {
      remedy: `Run this as ${name}: ${name.startsWith('#') ? `sudo -u '${name}'` : `runuser -u ${name} --`} sendense-run …`,
    },
  );
}

/** Of the file, or of the nearest folder above that is there. */
function ownerOf(path: string): number {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts || dirname(path) === path ? (facts?.uid ?? 0) : ownerOf(dirname(path));
}
