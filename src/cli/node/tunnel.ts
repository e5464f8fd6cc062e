import { SendenseError } from '../../errors/sendense-error.ts';
import { announceService } from '../../host/system/sd-notify.ts';
import type { LinkStatus } from '../../schemas/types.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';
import { listenOption, socketOption } from './options.ts';
import { untilStopped } from './until-stopped.ts';

export const tunnel: NodeCommand = {
  name: 'tunnel',
  summary: 'Keep the connection to the hub',
  description: [
    'Connects to the hub at which this node is enrolled, and keeps that connection until SIGTERM or SIGINT. It connects again after every break.',
    "On this machine's loopback, the ports of the disks (10100-10200) and of the hub's API (8082) lead to the hub. The hub reaches the API of this node.",
    '`sendense-node status` shows the connection. If it is down, `sendense-node doctor` finds out why.',
  ],
  options: [listenOption, socketOption],
  examples: [
    { command: 'sendense-node tunnel', description: 'Beside `sendense-node serve`, as a service of its own' },
    { command: 'sendense-node tunnel --log-level warn', description: 'Log only what goes wrong' },
  ],
  exitCodes: [0, 1, 2, 10, 11],
  tokenOption: 'tokenFile',
  run,
};

/** How often `systemctl status` is brought up to date. */
const statusMs = 2000;

const statusLine = ({ state, hub: address, last_error: error }: LinkStatus): string =>
  state === 'down' ? `no link with ${address}: ${error?.message}` : `${state}: ${address}`;

async function run(context: NodeContext): Promise<number> {
  const { stateDir, listen, hub, program } = context.settings();
  if ('port' in listen && listen.port === 0)
    throw new SendenseError('usage', 'the tunnel leads to the API, so it must know its port: --listen HOST:PORT');
  const log = context.logger('link');
  const { keepLink } = await import('../../node/link/keep-link.ts');
  await using link = await keepLink({ stateDir, api: listen, hub, program, log });
  // A hub that is away is no reason to start anew, here or by systemd: the link is made again as soon as it can be.
  await using service = await announceService({
    status: `connecting to ${link.status().hub}`,
    alive: async () => {
      if (link.status().state === 'stopped') throw new SendenseError('ssh.lost', 'nothing keeps the link any more');
    },
    log: (level, message) => log[level](message),
  });
  const timer = setInterval(() => service.status(statusLine(link.status())), statusMs);
  const signal = await untilStopped(context.stop);
  clearInterval(timer);
  log.info(`${signal}: stopping`);
  return 0;
}
