import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { nodeClient, type NodeClient } from '../host/node-api/node-client.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../host/programs/run-folder.ts';

/** What starts an agent; `src/node/start-node.ts` is one. Injected, because hub and node do not import each other. */
export type EmbeddedNodeFactory = (options: {
  readonly listen: { readonly socket: string };
  readonly stateDir: string;
  readonly token: string;
  /** Further files of ours that are no disks. */
  readonly own: readonly string[];
  /** Nobody else asks for them. */
  readonly jobsEndWithUs: true;
  /** The socket is in a folder of this user alone. */
  readonly proof: false;
}) => Promise<AsyncDisposable>;

/** An agent inside this process, reached through a Unix socket of this user alone, with a token made for it. */
export async function startEmbeddedNode(
  start: EmbeddedNodeFactory,
  { stateDir, own }: { readonly stateDir: string; readonly own: readonly string[] },
): Promise<{ client: NodeClient } & AsyncDisposable> {
  const id = ownFolderId('hub');
  const folder = await makeRunFolder(id);
  const socket = join(folder, 'node.sock');
  const token = randomBytes(32).toString('base64url');
  const node = await start({ listen: { socket }, stateDir, token, own, jobsEndWithUs: true, proof: false });
  return {
    client: nodeClient({ url: `unix:${socket}`, token, name: 'local', peer: 'ours' }),
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]();
      await removeRunFolder(id);
    },
  };
}
