import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { runTool } from '../host/process.ts';
import type { CommandRunInput, CommandRunOutput, Secret } from '../schemas/types.ts';
import { defineStep } from './define-step.ts';
import type { StepContext } from '../engine/step.ts';
import type { Services } from './services.ts';

const outputLimit = 64 * 1024;

export const commandRun = defineStep<CommandRunInput, null, CommandRunOutput>({
  uses: 'command.run',
  title: 'Run a command of the plan',
  afterPublish: 'failure',
  claim: () => null,

  plan: async ({ planFolder }, input) => ({
    effects: [{ action: 'run', target: resolve(planFolder, input.cwd ?? '.'), detail: `environment: ${Object.keys(input.env ?? {}).join(', ') || 'nothing added'}`, argv: input.argv }],
    unknown: ['what the command does'],
  }),

  async run(context, input) {
    const [file = '', ...args] = input.argv;
    const { env, secrets } = await environment(context, input.env ?? {});
    const hide = (text: string): string => secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
    const result = await runTool(file, args, {
      cwd: resolve(context.planFolder, input.cwd ?? '.'),
      env,
      signal: context.signal,
      allowFailure: true,
    }).catch((error: unknown) => {
      context.signal.throwIfAborted();
      throw new SendenseError('command.failed', hide((error as Error).message));
    });
    const output = hide(result.stdout).slice(-outputLimit);
    if (result.exitCode !== 0) {
      throw new SendenseError('command.failed', `${file} ended with ${result.exitCode}${result.stderr ? `: ${hide(result.stderr).slice(-2000)}` : ''}`);
    }
    return { exit_code: 0, output };
  },
});

/** Values as text; secrets are read here and handed to the command alone. */
async function environment(context: StepContext<Services>, given: Record<string, unknown>): Promise<{ env: Record<string, string>; secrets: string[] }> {
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && typeof value === 'object' && 'secret' in value) {
      const secret = await context.services.readSecret(value as Secret, context.planFolder, context.signal);
      secrets.push(secret);
      env[name] = secret;
    } else {
      env[name] = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value as string);
    }
  }
  return { env, secrets };
}
