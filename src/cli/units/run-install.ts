import type { CommandContext } from '../command.ts';
import { installChoice, type InstallChoice } from './install-options.ts';
import { installServices, removeServices, type ServiceUnit } from './install-services.ts';
import { printedUnits, reportInstall } from './report-install.ts';
import { serviceProgram } from './service-program.ts';

/**
 * What every `install` of sendense-run does: prints, writes or removes units.
 * @param unitsOf what is removed is found by its name: settings, which the text needs, may be gone by then
 */
export async function runInstall(
  { options, global, terminal }: CommandContext,
  unitsOf: (choice: InstallChoice, program: readonly string[]) => readonly ServiceUnit[],
): Promise<number> {
  const choice = installChoice(options);
  const program = serviceProgram('sendense-run');
  const units = unitsOf(choice, program);
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
