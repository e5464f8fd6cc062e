import { nodeClient } from '../../host/node-api/node-client.ts';
import { announceService } from '../../host/system/sd-notify.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';
import { listenOption, socketOption } from './options.ts';
import { untilStopped } from './until-stopped.ts';

export const serve: NodeCommand = {
  name: 'serve',
  summary: 'Serve the API of the node',
  description: [
    'Serves the API of the node (docs/node-api.md) until SIGTERM or SIGINT. Running jobs go on after that. If you start a node again on the same state folder, it knows them.',
    'With --tunnel, it also keeps the connection to the hub, as `sendense-node tunnel` does.',
  ],
  options: [
    listenOption,
    socketOption,
    {
      flags: '--token-file <file>',
      description: 'file with the token that every request must have; made if it is missing (default: STATE-DIR/token)',
      completes: 'files',
    },
    { flags: '--tunnel', description: 'also keep the connection to the hub at which this node is enrolled' },
  ],
  examples: [
    { command: 'sendense-node serve --tunnel', description: 'API and connection to the hub in one process' },
    {
      command: 'sendense-node serve --state-dir ./node --socket /run/sendense-node.sock',
      description: 'For a hub on the same machine',
    },
  ],
  exitCodes: [0, 1, 2, 10, 11, 12],
  tokenOption: 'tokenFile',
  run,
};

async function run(context: NodeContext): Promise<number> {
  const [{ assertOwnStateFolder }, { keepLink }, { neverLog }, { startNode }, { tokenFrom }, { exposureOf }] =
    await Promise.all([
      import('../../state/database/own-state.ts'),
      import('../../node/link/keep-link.ts'),
      import('../../node/log/logger.ts'),
      import('../../node/start-node.ts'),
      import('../../node/token.ts'),
      import('../../plan/yaml/exposed-secrets.ts'),
    ]);
  const { stateDir, listen, tokenFile, hub, program, limits, nbdHosts } = context.settings();
  const log = context.logger('api');
  // Before its token is made there.
  assertOwnStateFolder(stateDir);
  const { token, made } = await tokenFrom(tokenFile);
  neverLog(token);
  const exposed = exposureOf(tokenFile);
  if (exposed) log.warn(`${exposed.message}: ${exposed.remedy}`);
  if (made) log.info({ file: tokenFile }, `made a token in ${tokenFile}; give it to the hub`);
  await using node = await startNode({
    listen,
    stateDir,
    token,
    tokenFile,
    limits,
    nbdHosts,
    hub,
    program,
    logger: log,
  });
  if ('host' in listen && !isLoopback(listen.host))
    log.warn(`${listen.host} can be reached from other machines: let a firewall admit your hub only`);
  log.info(`listening on ${node.url}`);
  await using _link =
    context.options['tunnel'] === true
      ? await keepLink({ stateDir, api: node.address, hub, program, log: context.logger('link') })
      : null;
  await using _service = await announceService({
    status: `listening on ${node.url}`,
    alive: (limit) => nodeClient({ url: node.url, token }).health(limit),
    log: (level, message) => log[level](message),
  });
  const signal = await untilStopped(context.stop);
  log.info(`${signal}: stopping; running jobs go on`);
  return 0;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');
