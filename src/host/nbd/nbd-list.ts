import { SendenseError } from '../../errors/sendense-error.ts';
import { parseNbdUri } from './nbd-uri.ts';

/**
 * `key:nbd://host:port/export,key:nbd://…` as a map from disk key to NBD URI.
 * @param name of the field that has it
 * @throws SendenseError `request.invalid`
 */
export function parseNbdList(text: string, name = 'nbd_targets'): Map<string, string> {
  const bad = (why: string): SendenseError =>
    new SendenseError('request.invalid', `${name}: ${why}`, { details: { field: `/${name}` } });
  const exports = new Map<string, string>();
  for (const part of text.split(',')) {
    const match = /^([A-Za-z0-9_-]{1,64}):(nbd(?:s|\+unix)?:\/\/\S+)$/.exec(part);
    const [, key = '', uri = ''] = match ?? [];
    if (!match || !parseNbdUri(uri)) throw bad(`${JSON.stringify(part)} is not key:nbd://host:port/export`);
    if (exports.has(key)) throw bad(`disk ${key} has two ${name === 'nbd_targets' ? 'targets' : 'sources'}`);
    exports.set(key, uri);
  }
  return exports;
}
