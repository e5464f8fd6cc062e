import { SendenseError } from '../../errors/sendense-error.ts';

/**
 * A path is one of the hub, so nothing can be relative to the folder of whoever types it.
 * @throws SendenseError `usage`
 */
export function assertPathOfHub(option: string, path: string): void {
  if (path.startsWith('/')) return;
  throw new SendenseError('usage', `${option} ${path} is no whole path`, {
    remedy: 'With --hub it is a path of the hub, below one of its `hub: restoreTo`: begin it with /.',
  });
}
