import { dirname } from 'node:path';
import { CommanderError } from 'commander';
import { SendenseError } from '../errors/sendense-error.ts';
import { distrustOf } from '../host/trust/distrust-of.ts';
import { exposedSecrets } from '../plan/yaml/exposed-secrets.ts';
import { version } from '../schemas/package.ts';
import { openTerminal } from '../view/terminal.ts';
import { printable } from '../view/text.ts';
import { buildProgram } from './build-program.ts';
import { checkHelp } from './check-help.ts';
import type { CommandContext, CommandDefinition, ProgramIo } from './command.ts';
import { joinPoint } from './point-option.ts';
import { rescueAsked } from './rescue-options.ts';
import { reportError } from './report-error.ts';

/** `sendense-run` without a process around it: parses, acts, reports. Returns the exit status; never rejects. */
export async function main(argv: readonly string[], io: ProgramIo): Promise<number> {
  const words = joinPoint(argv);
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const terminal = openTerminal({
    stdout: io.stdout,
    stderr: io.stderr,
    env: io.env,
    noColour: own.includes('--no-color'),
  });
  let exitCode = 0;
  const program = buildProgram({
    version,
    terminal,
    act: async (definition, path, args, options) => {
      const implied = definition.name === 'run' && program.args[0] !== 'run';
      exitCode = await act(definition, path, contextOf(io, terminal, { args, options, implied }));
    },
  });
  if (words.length === 0) {
    program.outputHelp({ error: true });
    return 2;
  }
  try {
    checkHelp(own);
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportError(error, { terminal, json: own.includes('--json') });
  }
}

async function act(definition: CommandDefinition, path: string, context: CommandContext): Promise<number> {
  try {
    if (!definition.load) return 2;
    if (asksForHub(context)) {
      const { actRemotely } = await import('./remote/act-remotely.ts');
      return await actRemotely(definition, path, context);
    }
    const { action } = await definition.load();
    const asked = rescueAsked(definition, { ...context.options, config: context.global.config });
    if (!asked) return await action(context);
    const { openRescued } = await import('./open-rescued.ts');
    await using rescued = await openRescued(context, asked);
    return await action(rescued.context);
  } catch (error) {
    return reportError(withHelp(error, path), { terminal: context.terminal, json: context.global.json });
  }
}

/** Also without `--hub` itself: whoever wrote one of them means another machine. */
const asksForHub = ({ options }: CommandContext): boolean =>
  ['hub', 'tokenFile', 'hubCertificate', 'plainHttp'].some((name) => options[name] !== undefined);

/** A wrong command line that says no more of the way out names the help of its command. */
function withHelp(error: unknown, path: string): unknown {
  if (!(error instanceof SendenseError) || error.code !== 'usage' || error.remedy !== error.entry.remedy) return error;
  const remedy = `See \`sendense-run ${path} --help\`.`;
  return new SendenseError('usage', error.message, { remedy, cause: error });
}

function contextOf(
  io: ProgramIo,
  terminal: CommandContext['terminal'],
  { args, options, implied }: { args: readonly string[]; options: Record<string, unknown>; implied: boolean },
): CommandContext {
  const config = options['config'] as string | undefined;
  return {
    args,
    options,
    global: { config, json: options['json'] === true, quiet: options['quiet'] === true },
    terminal,
    implied,
    readInput: io.readInput,
    askHidden: io.askHidden,
    askLine: io.askLine,
    openHub: async (wanted) => {
      warnOfNamed(config, terminal);
      const hub = await io.openHub({ config, embeddedNode: io.embeddedNode, ...wanted });
      for (const { message, remedy } of exposedSecrets(hub.settings, dirname(hub.settingsFile)))
        warn(terminal, `${message}: ${remedy}`);
      return hub;
    },
  };
}

/** Settings that the user names count whoever can write them; those that are found would not. */
function warnOfNamed(config: string | undefined, terminal: CommandContext['terminal']): void {
  const distrust = config === undefined ? null : distrustOf(config);
  if (distrust)
    warn(terminal, `${config} counts, for you named it, but others could have written it: ${distrust.message}`);
}

const warn = ({ stderr, errorStyle }: CommandContext['terminal'], message: string): void =>
  void stderr.write(`${errorStyle.yellow('warning:')} ${printable(message)}\n`);
