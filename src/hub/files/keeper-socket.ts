import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePlaceFor } from '../../host/programs/private-places.ts';

/** The folder of the socket is this user's alone: who reaches it may ask. */
export const keeperToken = 'reached';

/** Trailer of an archive: base64 of what `tar` said of files that it left out. */
export const leftOutTrailer = 'sendense-left-out';

/** Where the keeper of a hub's files answers this user; another version has another one. */
export function keeperSocket(settingsFile: string, version: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([settingsFile, version]))
    .digest('hex')
    .slice(0, 12);
  const name = `files-${digest}.sock`;
  return join(makePlaceFor(tmpdir(), name), name);
}

/** What it says where it cannot start. */
export const keeperLog = (socket: string): string => `${socket.slice(0, -'.sock'.length)}.log`;

/** Whether somebody answers at a Unix socket. */
export const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection
      .once('connect', () => {
        connection.destroy();
        resolve(true);
      })
      .once('error', () => resolve(false));
  });
