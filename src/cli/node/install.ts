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
    'Writes sendense-node.service to /etc/systemd/system, enables it and starts it. With --tunnel, it does the same with sendense-tunnel.service, which waits for the enrolment.',
    'You can run it again: units that are current stay as they are. It never touches a unit that is not of Sendense. If the Debian package brought the units, it enables them and writes nothing.',
    'The services run as the user sendense and can write to their own folders only (docs/operations.md).',
  ],
  options: [
    { flags: '--tunnel', description: 'also the service that keeps the connection to the hub' },
    ...installOptions,
  ],
  examples: [
    { command: 'sendense-node install --tunnel', description: 'API and connection to the hub, as two services' },
    { command: 'sendense-node install --print', description: 'Print the unit without installing it' },
    { command: 'sendense-node install --tunnel --remove', description: 'Remove both services' },
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
