import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { systemdCalendar } from '../../hub/schedule/systemd-calendar.ts';
import { rulesOf } from '../../hub/schedule/schedule-rules.ts';
import type { CommandContext } from '../command.ts';
import { installChoice } from '../units/install-options.ts';
import { installServices, removeServices, type ServiceUnit } from '../units/install-services.ts';
import { planUnits, type PlanUnitOptions } from '../units/plan-units.ts';
import { printedUnits, reportInstall } from '../units/report-install.ts';
import { placesOfRuns } from '../units/run-places.ts';
import { serviceProgram } from '../units/service-program.ts';

export async function action(context: CommandContext): Promise<number> {
  const { options, global, terminal } = context;
  const choice = installChoice(options);
  const program = serviceProgram('sendense-run');
  const units = choice.remove ? await unitsToRemove(context) : await unitsOf(context, { program, user: choice.user });
  if (choice.print) {
    terminal.stdout.write(printedUnits(units));
    return 0;
  }
  const report = choice.remove
    ? await removeServices({ ...choice, units: units.toReversed() })
    : await installServices({ ...choice, units, program });
  reportInstall(report, terminal, global.json);
  return 0;
}

/** They are found by the plan's name, also where the plan is gone. */
async function unitsToRemove({ args, openHub }: CommandContext): Promise<ServiceUnit[]> {
  const names = await Promise.all(
    args.map(async (name) => {
      if (!existsSync(name)) return name;
      await using hub = await openHub({ startFolder: dirname(resolve(name)), readOnly: true });
      return (await hub.schedules.find(name)).plan;
    }),
  );
  const wrong = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name));
  if (wrong !== undefined) throw new SendenseError('usage', `${wrong} is neither the name nor the file of a plan`);
  return names.flatMap((name) => planUnits(nothing(name)));
}

const nothing = (plan: string): PlanUnitOptions => ({
  plan,
  file: '',
  program: [],
  config: '',
  user: '',
  calendar: [],
  writable: [],
  immutable: false,
});

/** All or none: a plan that systemd has no words for is an error before anything is written. */
async function unitsOf(
  { args, global, openHub }: CommandContext,
  service: { readonly program: readonly string[]; readonly user: string },
): Promise<ServiceUnit[]> {
  const [first = ''] = args;
  const startFolder = existsSync(first) ? dirname(resolve(first)) : process.cwd();
  const { config, stateDir, writable, immutable } = placesOfRuns(global.config, startFolder);
  await using hub = await openHub({ startFolder, readOnly: true });
  const units: ServiceUnit[] = [];
  for (const name of args) {
    const { plan, file, facts } = await hub.schedules.find(name);
    const calendar = systemdCalendar(rulesOf(facts.schedule));
    units.push(
      ...planUnits({ ...service, plan, file, config, calendar, writable: [stateDir, ...writable], immutable }),
    );
  }
  return units;
}
