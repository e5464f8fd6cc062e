import { resolve } from 'node:path';
import { installChoice, installOptions } from '../units/install-options.ts';
import { installServices, removeServices, type ServiceUnit } from '../units/install-services.ts';
import { printedUnits, reportInstall } from '../units/report-install.ts';
import { serviceProgram } from '../units/service-program.ts';
import { unitText, type ServiceName } from '../units/units.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';

export const install: NodeCommand = {
  name: 'install',
  summary: 'Make this node a service of systemd',
  description: [
    'Writes sendense-node.service to /etc/systemd/system, enables and starts it; with --tunnel sendense-tunnel.service too, which waits for the enrolment. Again is fine: what is current stays. A file that is not of Sendense is never touched. Where the Debian package brings the same units, they are enabled and nothing is written.',
    'The services run as the user sendense, who can write to their own folders only (docs/operations.md).',
  ],
  options: [
    { flags: '--tunnel', description: 'also the service that keeps the connection to the hub' },
    ...installOptions,
  ],
  examples: [
    { command: 'sendense-node install --tunnel', description: 'API and connection to the hub, as two services' },
    { command: 'sendense-node install --print', description: 'Look at the unit first' },
    { command: 'sendense-node install --tunnel --remove', description: 'Take both away' },
  ],
  exitCodes: [0, 1, 2, 10, 12],
  tokenOption: 'tokenFile',
  run,
};

async function run(context: NodeContext): Promise<number> {
  const choice = installChoice(context.options);
  const program = serviceProgram('sendense-node');
  const units = unitsOf(context, program, choice.user);
  if (choice.print) {
    context.terminal.stdout.write(printedUnits(units));
    return 0;
  }
  const report = choice.remove
    ? await removeServices({ ...choice, units })
    : await installServices({ ...choice, units, program });
  reportInstall(report, context.terminal, context.json);
  return 0;
}

function unitsOf({ options, settings }: NodeContext, program: readonly string[], user: string): ServiceUnit[] {
  const { stateDir } = settings();
  const args = [
    ...(typeof options['config'] === 'string' ? ['--config', resolve(options['config'])] : []),
    ...(typeof options['stateDir'] === 'string' ? ['--state-dir', stateDir] : []),
  ];
  const names = ['sendense-node', ...(options['tunnel'] === true ? ['sendense-tunnel'] : [])] as ServiceName[];
  const unit = { program, args, user, stateDir };
  return names.map((name) => ({ name, text: unitText(name, unit) }));
}
