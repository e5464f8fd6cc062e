import type { CommandContext } from '../command.ts';
import { runInstall } from '../units/run-install.ts';
import { placesOfRuns, type RunPlaces } from '../units/run-places.ts';
import { hubUnitArgs, unitText } from '../units/units.ts';

export const action = async (context: CommandContext): Promise<number> =>
  runInstall(context, ({ remove, user }, program) => {
    const { config, ...places }: Partial<RunPlaces> = remove
      ? {}
      : placesOfRuns(context.global.config, '/etc/sendense');
    const args = hubUnitArgs(config);
    const { writable: repositories = [], plans = '', editsPlans = false } = places;
    const writable = [...repositories, ...(editsPlans ? [plans] : [])];
    return [
      { name: 'sendense-files', text: unitText('sendense-files', { program, user, args, stateDir: places.stateDir }) },
      // Runs that its API begins write to the repositories.
      { name: 'sendense-hub', text: unitText('sendense-hub', { program, user, args, ...places, writable }) },
    ];
  });
