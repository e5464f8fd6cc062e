import { SendenseError } from '../errors/sendense-error.ts';
import { parseNbdUri } from '../host/nbd/nbd-uri.ts';

/**
 * `key:nbd://host:port/export,key:nbd://…` as a map from disk key to NBD URI.
 * @throws SendenseError `request.invalid`
 */
export function parseNbdTargets(text: string): Map<string, string> {
  const targets = new Map<string, string>();
  for (const part of text.split(',')) {
    const match = /^([A-Za-z0-9_-]{1,64}):(nbd(?:s|\+unix)?:\/\/\S+)$/.exec(part);
    const [, key = '', uri = ''] = match ?? [];
    if (!match || !parseNbdUri(uri)) throw bad(`${JSON.stringify(part)} is not key:nbd://host:port/export`);
    if (targets.has(key)) throw bad(`disk ${key} has two targets`);
    targets.set(key, uri);
  }
  return targets;
}

const bad = (why: string): SendenseError =>
  new SendenseError('request.invalid', `nbd_targets: ${why}`, { details: { field: '/nbd_targets' } });
