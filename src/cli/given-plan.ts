import { resolve } from 'node:path';
import { takeJudged } from '../hub/runs/judged-plan.ts';
import type { CommandContext } from './command.ts';
import { planFile } from './plan-file.ts';
import { nameOfInput } from './plan-input.ts';
import type { Mode, PlanToRun } from './run-plan.ts';

/** The plans of a command line; `-` is the text on standard input. @throws SendenseError `usage` */
export async function givenPlans(context: CommandContext): Promise<PlanToRun[]> {
  const { args, options, readInput } = context;
  const as = nameOfInput(args, options['as']) ?? resolve('stdin.yaml');
  const mode = options['mode'] as Mode | undefined;
  const text = args.includes('-') ? Buffer.from(await readInput()).toString('utf8') : '';
  const judged = takeJudged();
  return args.map((name) =>
    name === '-' ? { file: as, text, mode } : { file: planFile(name, context), mode, judged },
  );
}
