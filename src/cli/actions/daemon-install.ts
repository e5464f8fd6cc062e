import { dirname, resolve } from 'node:path';
import type { CommandContext } from '../command.ts';
import { installChoice } from '../services/install-options.ts';
import { installServices, removeServices, type ServiceUnit } from '../services/install-services.ts';
import { printedUnits, reportInstall } from '../services/report-install.ts';
import { placesOfRuns } from '../services/run-places.ts';
import { serviceProgram } from '../services/service-program.ts';
import { unitText } from '../services/units.ts';

export async function action({ args, options, global, terminal }: CommandContext): Promise<number> {
  const choice = installChoice(options);
  const program = serviceProgram('sendense-run');
  const units: ServiceUnit[] = [{ name: 'sendense-daemon', text: choice.remove ? '' : daemonText() }];
  if (choice.print) {
    terminal.stdout.write(printedUnits(units));
    return 0;
  }
  const report = choice.remove
    ? await removeServices({ ...choice, units })
    : await installServices({ ...choice, units, program });
  reportInstall(report, terminal, global.json);
  return 0;

  function daemonText(): string {
    const named = args[0] === undefined ? undefined : resolve(args[0]);
    const { config, stateDir, writable } = placesOfRuns(global.config, named ?? '/etc/sendense');
    const words = [named ?? dirname(config), '--config', config];
    return unitText('sendense-daemon', { program, user: choice.user, args: words, stateDir, writable });
  }
}
