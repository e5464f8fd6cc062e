import { resolve } from 'node:path';
import type { CommandContext } from '../command.ts';
import { runInstall } from '../units/run-install.ts';
import { placesOfRuns } from '../units/run-places.ts';
import { daemonUnitArgs, unitText } from '../units/units.ts';

export const action = async (context: CommandContext): Promise<number> =>
  runInstall(context, ({ remove, user }, program) => {
    const text = (): string => {
      const [folder] = context.args;
      const named = folder === undefined ? undefined : resolve(folder);
      const { config, ...places } = placesOfRuns(context.global.config, named ?? '/etc/sendense');
      const args = daemonUnitArgs(named ?? places.plans, config);
      return unitText('sendense-daemon', { program, user, args, ...places });
    };
    return [{ name: 'sendense-daemon', text: remove ? '' : text() }];
  });
