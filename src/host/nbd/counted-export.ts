import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { socketPath } from '../files/socket-path.ts';
import { parseNbdUri, unixUri } from './nbd-uri.ts';

export interface CountedExport extends AsyncDisposable {
  readonly uri: string;
  /** Bytes that went to the export so far, with the heads of the requests. */
  bytesSent(): number;
}

/**
 * Shows an export of this machine at a second socket, and counts what goes to it: nbdcopy tells only whole percents, which may be hours
 * of a large disk.
 * @param uri `nbd+unix:`
 * @param socket a path in a folder of this user alone
 */
export async function countedExport(uri: string, socket: string): Promise<CountedExport> {
  const address = parseNbdUri(uri);
  if (address?.kind !== 'unix') throw new SendenseError('run.internal', 'only exports at Unix sockets are counted');
  const from: Socket[] = [];
  const to: Socket[] = [];
  // Each side sees the other one end, or break.
  const ended = (): void => {};
  const server = createServer((client) => {
    const target = connect(socketPath(address.socket));
    from.push(client);
    to.push(target);
    pipeline(client, target, ended);
    pipeline(target, client, ended);
  });
  server.listen(socketPath(socket));
  await once(server, 'listening');
  return {
    uri: unixUri(socket, address.exportName),
    bytesSent: () => from.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const one of [...from, ...to]) one.destroy();
      await closed;
    },
  };
}
