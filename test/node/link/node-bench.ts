import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { enroll } from '../../../src/node/link/enroll.ts';
import { keepLink, type Link, type LinkOptions } from '../../../src/node/link/keep-link.ts';
import type { ListenAddress } from '../../../src/node/listen-address.ts';
import { makeLogger } from '../../../src/node/log/logger.ts';
import { startNode, type RunningNode } from '../../../src/node/start-node.ts';
import type { Enrolment } from '../../../src/schemas/types.ts';
import { hubBench, type HubBench } from '../../hub/ssh-server/hub-bench.ts';

export const apiToken = 'canary-api-token-0123456789abcdef';

/** A hub with the built-in server, and the state folder of a node. */
export interface NodeBench extends AsyncDisposable {
  readonly hub: HubBench;
  readonly stateDir: string;
  readonly tokenFile: string;
  /** Lines of the link's log, parsed. */
  readonly logged: Record<string, unknown>[];
  enroll(name?: string, more?: { force?: boolean; token?: string; port?: number }): Promise<Enrolment>;
  api(): Promise<RunningNode>;
  link(api: ListenAddress, more?: Partial<LinkOptions>): Promise<Link>;
}

export async function nodeBench({ data }: { data?: 'auto' | 'builtin' } = {}): Promise<NodeBench> {
  const hub = await hubBench(undefined, data);
  const stateDir = hub.folder.file('node');
  const tokenFile = hub.folder.file('node', 'token');
  await mkdir(dirname(tokenFile), { mode: 0o700 });
  await writeFile(tokenFile, `${apiToken}\n`, { mode: 0o600 });
  const logged: Record<string, unknown>[] = [];
  const log = makeLogger({
    level: 'debug',
    stream: { write: (line: string) => logged.push(JSON.parse(line) as Record<string, unknown>) > 0 },
  });
  return {
    hub,
    stateDir,
    tokenFile,
    logged,
    enroll: (name = 'site-b', { force = false, token, port } = {}) =>
      enroll({
        stateDir,
        tokenFile,
        hub: { host: '127.0.0.1', port: port ?? hub.port },
        token: token ?? hub.token(name).token,
        force,
      }),
    api: () => startNode({ listen: { host: '127.0.0.1', port: 0 }, stateDir, token: apiToken }),
    link: (api, more = {}) => keepLink({ stateDir, api, hub: undefined, program: 'auto', log, ...more }),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}
