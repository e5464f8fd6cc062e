import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { missing } from '../../host/programs/process.ts';
import { runInGroup } from '../../host/programs/run-in-group.ts';
import type { CommandRunInput, CommandRunOutput, Secret } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';
import { maskSecrets } from './mask-secrets.ts';
import type { StepContext, StepPreview } from '../../engine/step.ts';
import type { Services } from '../services.ts';

/** Characters of a command's output that are kept. */
const outputLimit = 64 * 1024;
const errorLimit = 2000;
/** From SIGTERM to SIGKILL, ms. */
const graceMs = 5000;

export const commandRun = defineStep<CommandRunInput, null, CommandRunOutput>({
  uses: 'command.run',
  title: 'Run a command of the plan',
  afterPublish: 'failure',
  claim: () => null,

  plan: async ({ planFolder }, input) => ({
    effects: [commandEffect(planFolder, input, Object.keys(input.env ?? {}).join(', ') || 'nothing added')],
    unknown: ['what the command does'],
  }),

  planPartly: async ({ planFolder }, input) => ({
    effects: [commandEffect(planFolder, input, 'known later')],
    unknown: ['what the command does'],
  }),

  async run(context, input) {
    const [file = '', ...args] = input.argv;
    const { env, secrets } = await environment(context, input.env ?? {});
    const [stdout, stderr] = [keepEnd(secrets, outputLimit), keepEnd(secrets, errorLimit)];
    const cwd = resolve(context.planFolder, input.cwd ?? '.');
    const end = await runInGroup(file, args, {
      cwd,
      env: { ...process.env, ...env },
      signal: context.signal,
      graceMs,
      onStdout: stdout.add,
      onStderr: stderr.add,
    }).catch((error: unknown) => {
      context.signal.throwIfAborted();
      const why = keepEnd(secrets, outputLimit).add(notStarted(file, cwd, error as NodeJS.ErrnoException));
      throw failed(why.end(), '');
    });
    const output = stdout.end();
    const how = typeof end === 'number' ? `ended with ${end}` : `was killed by ${end}`;
    if (end !== 0) throw failed(`${file} ${how}`, stderr.end() || output.slice(-errorLimit));
    return { exit_code: 0, output };
  },
});

/** Spawn tells of a folder that is gone as of a program that is gone. */
const notStarted = (file: string, cwd: string, cause: NodeJS.ErrnoException): string =>
  !existsSync(cwd)
    ? `${file} could not be started: the folder ${cwd} is not there`
    : cause.code === 'ENOENT'
      ? missing(file, cause).message
      : `${file} could not be started: ${cause.message}`;

const commandEffect = (
  planFolder: string,
  { argv, cwd }: Partial<CommandRunInput>,
  variables: string,
): StepPreview['effects'][number] => ({
  action: 'run',
  target: resolve(planFolder, cwd ?? '.'),
  detail: `environment: ${variables}`,
  argv: argv ?? null,
});

const failed = (what: string, said: string): SendenseError =>
  new SendenseError('command.failed', said ? `${what}: ${said}` : what);

interface KeptEnd {
  add(text: string): KeptEnd;
  /** Without the last newline. */
  end(): string;
}

/** The last characters of a text that comes in pieces, secrets masked. */
function keepEnd(secrets: readonly string[], limit: number): KeptEnd {
  const mask = maskSecrets(secrets);
  let kept = '';
  const take = (text: string): void => {
    kept += text;
    if (kept.length > 2 * limit) kept = kept.slice(-limit);
  };
  const end: KeptEnd = {
    add: (text) => (take(mask.add(text)), end),
    end: () => (take(mask.end()), kept.slice(-limit).replace(/\r?\n$/, '')),
  };
  return end;
}

/** Values as text; secrets are read here and handed to the command alone. */
async function environment(
  context: StepContext<Services>,
  given: Record<string, unknown>,
): Promise<{ env: Record<string, string>; secrets: string[] }> {
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && typeof value === 'object' && 'secret' in value) {
      const secret = await context.services.readSecret(value as Secret, context.planFolder, context.signal);
      secrets.push(secret);
      env[name] = secret;
    } else {
      env[name] =
        value === null || value === undefined
          ? ''
          : typeof value === 'object'
            ? JSON.stringify(value)
            : String(value as string);
    }
  }
  return { env, secrets };
}
