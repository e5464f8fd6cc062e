import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { CommandContext } from './command.ts';
import { planFile } from './plan-file.ts';
import type { Mode, PlanToRun } from './run-plan.ts';

/** The plans of a command line; `-` is the text on standard input. @throws SendenseError `usage` */
export async function givenPlans(context: CommandContext): Promise<PlanToRun[]> {
  const { args, options, readInput } = context;
  const as = options['as'] as string | undefined;
  const mode = options['mode'] as Mode | undefined;
  const asked = args.filter((name) => name === '-').length;
  if (asked > 1) throw usage('- stands for standard input, which there is once');
  if (asked === 0 && as !== undefined) throw usage('--as is for a plan on standard input: -');
  const text = asked === 0 ? '' : Buffer.from(await readInput()).toString('utf8');
  return args.map((name) =>
    name === '-' ? { file: resolve(as ?? 'stdin.yaml'), text, mode } : { file: planFile(name, context), mode },
  );
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run run --help`.' });
