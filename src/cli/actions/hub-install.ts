import { dirname, resolve } from 'node:path';
import { requireSettings } from '../../hub/runs/load-pipeline.ts';
import type { CommandContext } from '../command.ts';
import { runInstall } from '../units/run-install.ts';
import { hubUnitArgs, unitText } from '../units/units.ts';

export const action = async (context: CommandContext): Promise<number> =>
  runInstall(context, ({ remove, user }, program) => {
    const { file, stateDir } = remove ? {} : placesOf(context.global.config);
    return (['sendense-files', 'sendense-hub'] as const).map((name) => ({
      name,
      text: unitText(name, { program, user, args: hubUnitArgs(file), stateDir }),
    }));
  });

/** The settings that the service reads, and the folder of their state database. */
function placesOf(config: string | undefined): { file?: string; stateDir?: string } {
  const { file, folder, settings } = requireSettings(config, '/etc/sendense');
  return { file, stateDir: dirname(resolve(folder, settings.state)) };
}
