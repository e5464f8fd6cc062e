import type { ResolvedNodeSettings } from '../../node/node-settings.ts';
import type { NodeLogger } from '../../node/log/logger.ts';
import type { Terminal } from '../../view/terminal.ts';
import type { CommandDefinition } from '../command.ts';

/** All that help and documentation say of a command of `sendense-node`, and what it does. */
export interface NodeCommand extends Pick<
  CommandDefinition,
  'name' | 'summary' | 'description' | 'options' | 'examples' | 'exitCodes'
> {
  /** The option that names the file of the API's token. */
  readonly tokenOption: 'tokenFile' | 'apiTokenFile';
  /** Returns the exit status; what it throws is reported by whoever called it. */
  run(context: NodeContext): Promise<number>;
}

export interface NodeContext {
  /** Options of the command, by camelCase name. */
  readonly options: Readonly<Record<string, unknown>>;
  /** node.yaml with the command line over it; read at the first call. @throws SendenseError `settings.invalid`, `usage` */
  settings(): ResolvedNodeSettings;
  readonly json: boolean;
  readonly terminal: Terminal;
  /** Writes to standard error. @param part names what logs, in each line */
  logger(part: string): NodeLogger;
  readInput(): Promise<Uint8Array>;
  /** Asks on the terminal without showing what is typed; undefined where standard input is no terminal. */
  readonly askHidden: ((prompt: string) => Promise<string>) | undefined;
  /** Aborts at SIGTERM and SIGINT with `run.cancelled`, whose message is the name of the signal. */
  readonly stop: AbortSignal;
}
