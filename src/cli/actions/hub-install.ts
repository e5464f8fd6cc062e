import { dirname, resolve } from 'node:path';
import type { CommandContext } from '../command.ts';
import { installChoice } from '../services/install-options.ts';
import { installServices, removeServices, type ServiceUnit } from '../services/install-services.ts';
import { printedUnits, reportInstall } from '../services/report-install.ts';
import { serviceProgram } from '../services/service-program.ts';
import { hubUnitArgs, unitText } from '../services/units.ts';
import { requireSettings } from '../../hub/load-pipeline.ts';

export async function action({ options, global, terminal }: CommandContext): Promise<number> {
  const choice = installChoice(options);
  // What is removed is found by its name; settings may be gone by then.
  const places = choice.remove ? {} : placesOf(global.config);
  const program = serviceProgram('sendense-run');
  const units: ServiceUnit[] = [
    {
      name: 'sendense-hub',
      text: unitText('sendense-hub', {
        program,
        user: choice.user,
        args: hubUnitArgs(places.file),
        stateDir: places.stateDir,
      }),
    },
  ];
  if (choice.print) {
    terminal.stdout.write(printedUnits(units));
    return 0;
  }
  const report = choice.remove
    ? await removeServices({ ...choice, units })
    : await installServices({ ...choice, units, program });
  reportInstall(report, terminal, global.json);
  return 0;
}

/** The settings that the service reads, and the folder of their state database. */
function placesOf(config: string | undefined): { file?: string; stateDir?: string } {
  const { file, folder, settings } = requireSettings(config, '/etc/sendense');
  return { file, stateDir: dirname(resolve(folder, settings.state)) };
}
