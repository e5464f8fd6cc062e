import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { SendenseError } from '../../errors/sendense-error.ts';
import { parseListen, type ListenAddress } from '../../node/listen-address.ts';
import type { NodeOverrides, ResolvedNodeSettings } from '../../node/node-settings.ts';
import { version } from '../../schemas/package.ts';
import { columnsOf, openTerminal, type OutputStream, type Terminal } from '../../view/terminal.ts';
import { labelled } from '../../view/text.ts';
import { minWidthToWrap, optionOf } from '../build-program.ts';
import { exampleLines } from '../example-lines.ts';
import { exitCodes } from '../exit-codes.ts';
import { reportError } from '../report-error.ts';
import { doctor } from './doctor.ts';
import { enroll } from './enroll.ts';
import { install } from './install.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';
import { nodeGlobalOptions } from './options.ts';
import { serve } from './serve.ts';
import { status } from './status.ts';
import { tunnel } from './tunnel.ts';

/** Every command of `sendense-node`, in the order of the help. */
export const nodeCommands: readonly NodeCommand[] = [serve, enroll, tunnel, status, doctor, install];

export interface NodeProgramIo {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readInput(): Promise<Uint8Array>;
  readonly askHidden: ((prompt: string) => Promise<string>) | undefined;
  readonly stop: AbortSignal;
}

/** `sendense-node` without a process around it: parses, acts, reports. Returns the exit status; never rejects. */
export async function nodeMain(argv: readonly string[], io: NodeProgramIo): Promise<number> {
  const terminal = openTerminal({ ...io, noColour: argv.includes('--no-color') });
  let exitCode = 0;
  const program = programOf(terminal, async (command, options) => {
    exitCode = await command.run(await contextOf(io, terminal, command, options));
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportError(error, { terminal, json: argv.includes('--json'), program: 'sendense-node' });
  }
}

function programOf(
  terminal: Terminal,
  act: (command: NodeCommand, options: Record<string, unknown>) => Promise<void>,
): Command {
  const program = new Command('sendense-node')
    .description('The agent beside the disks: lets a hub see them and back them up.')
    .version(version, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, minWidthToWrap });
  configure(program, terminal);
  for (const option of nodeGlobalOptions) program.addOption(optionOf(option));
  for (const definition of nodeCommands) {
    const command = new Command(definition.name)
      .summary(definition.summary)
      .description(definition.description.join('\n\n'))
      .configureHelp({ showGlobalOptions: true, minWidthToWrap });
    configure(command, terminal);
    for (const option of definition.options) command.addOption(optionOf(option));
    command.addHelpText('after', () => afterHelp(definition, terminal));
    program.addCommand(command.action(async () => act(definition, command.optsWithGlobals())));
  }
  return program;
}

function configure(command: Command, { stdout, stderr }: Terminal): void {
  command
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'sendense-node: ')),
      getOutHelpWidth: () => Math.min(100, columnsOf(stdout)),
      getErrHelpWidth: () => Math.min(100, columnsOf(stderr)),
    });
}

function afterHelp({ examples, exitCodes: codes }: NodeCommand, { style, stdout }: Terminal): string {
  const columns = Math.min(100, columnsOf(stdout));
  return [
    '',
    style.bold('Examples:'),
    ...examples.flatMap(({ command, description }) => exampleLines(command, description, style, columnsOf(stdout))),
    '',
    style.bold('Exit status:'),
    ...codes.flatMap((code) => labelled(`  ${String(code).padStart(3)}  `, exitCodes[code] ?? '', columns)),
  ].join('\n');
}

/** What a command needs is loaded when it is called: help and version are there at once. */
async function contextOf(
  io: NodeProgramIo,
  terminal: Terminal,
  command: NodeCommand,
  options: Record<string, unknown>,
): Promise<NodeContext> {
  const [{ makeLogger }, { loadNodeSettings }] = await Promise.all([
    import('../../node/log/logger.ts'),
    import('../../node/node-settings.ts'),
  ]);
  let settings: ResolvedNodeSettings | undefined;
  const context: NodeContext = {
    options,
    settings: () => (settings ??= loadNodeSettings(overridesOf(command, options))),
    json: options['json'] === true,
    terminal,
    logger: (part) => makeLogger({ level: context.settings().logLevel, part }),
    readInput: io.readInput,
    askHidden: io.askHidden,
    stop: io.stop,
  };
  return context;
}

const overridesOf = ({ tokenOption }: NodeCommand, options: Record<string, unknown>): NodeOverrides => ({
  config: options['config'] as string | undefined,
  stateDir: options['stateDir'] as string | undefined,
  listen: listenOf(options),
  tokenFile: options[tokenOption] as string | undefined,
  logLevel: options['logLevel'] as ResolvedNodeSettings['logLevel'] | undefined,
});

function listenOf({ listen, socket }: Record<string, unknown>): ListenAddress | undefined {
  if (typeof socket === 'string') return { socket: resolve(socket) };
  if (typeof listen !== 'string') return undefined;
  const address = parseListen(listen);
  if (address) return address;
  throw new SendenseError('usage', `--listen ${listen} is not HOST:PORT, such as 127.0.0.1:8081`);
}
