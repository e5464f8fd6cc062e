import { SendenseError } from '../../errors/sendense-error.ts';
import { type DatastoreFile, hasControls } from './transports/datastore-file.ts';

/**
 * The parts of `[datastore] folder/file`.
 * @throws SendenseError `vsphere.protocol` for what is no such path
 */
export function parseDatastorePath(path: string): DatastoreFile {
  const [, datastore, rest = ''] = /^\[([^\]/]+)\] (.+)$/.exec(path) ?? [];
  const segments = rest.split('/');
  const isOdd = segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (datastore === undefined || isOdd || hasControls(path))
    throw new SendenseError(
      'vsphere.protocol',
      `${JSON.stringify(path)} is no path of a file, [datastore] folder/file`,
    );
  return { datastore, segments };
}
