import type { FilesClient } from '../files/client/files-client.ts';
import type { EmbeddedNodeFactory } from '../hub/embedded-node.ts';
import type { Hub, HubOptions } from '../hub/hub.ts';
import type { OutputStream, Terminal } from '../view/terminal.ts';

/** What a shell offers for an argument or an option's value. */
export type Completes =
  | 'plans'
  | 'files'
  | 'folders'
  | NameKind
  | 'repositories-or-folders'
  /** Restore points: `VM`, `VM@POINT`. */
  | 'points'
  /** `VOLUME:/PATH` in the restore point that was named before. */
  | 'places'
  | 'nothing'
  | readonly string[];

/** Names that a completion asks the program for: `sendense-run completion vms`. */
export type NameKind = 'vms' | 'known-vms' | 'boots' | 'sources' | 'credentials' | 'repositories';

export interface ArgumentDefinition {
  /** As commander writes it: `<plan...>`, `[path...]`. */
  readonly syntax: string;
  readonly description: string;
  readonly completes: Completes;
}

export interface OptionDefinition {
  /** As commander writes it: `-m, --mode <mode>`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  /** May be given more than once. */
  readonly repeats?: boolean;
  readonly completes?: Completes;
}

export interface Example {
  readonly command: string;
  readonly description: string;
}

/**
 * All that help, documentation and completion say of a command, and where its action is. Cheap to load: the action
 * and what it needs are imported when the command is called.
 */
export interface CommandDefinition {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly arguments: readonly ArgumentDefinition[];
  readonly options: readonly OptionDefinition[];
  readonly examples: readonly Example[];
  readonly exitCodes: readonly number[];
  /** Name and meaning of files that it reads or writes. */
  readonly files?: readonly (readonly [string, string])[];
  readonly seeAlso: readonly string[];
  readonly commands?: readonly CommandDefinition[];
  /** Not in lists of commands: other programs call it. */
  readonly hidden?: boolean;
  load?(): Promise<{ readonly action: Action }>;
}

/** Returns the exit status; what it throws is reported by whoever called it. */
export type Action = (context: CommandContext) => Promise<number>;

export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

export interface CommandContext {
  readonly args: readonly string[];
  /** Options of the command, by camelCase name. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly global: GlobalOptions;
  readonly terminal: Terminal;
  /** Whether the user left out the command's name. */
  readonly implied: boolean;
  /** Path of the repository that is read with nothing else known; undefined where settings count. */
  readonly rescued?: string | undefined;
  /** The words that name the hub that is asked over HTTP; undefined: this machine is the hub. */
  readonly reached?: string | undefined;
  /** Files of restore points of the hub that is asked over HTTP. */
  readonly remoteFiles?: FilesClient | undefined;
  readInput(): Promise<Uint8Array>;
  /** Asks on the terminal without showing what is typed; undefined where standard input is no terminal. */
  readonly askHidden: ((prompt: string) => Promise<string>) | undefined;
  /** Asks on the terminal; undefined where standard input or standard error is none. */
  readonly askLine: ((prompt: string) => Promise<string>) | undefined;
  openHub(options: Pick<HubOptions, 'startFolder' | 'readOnly' | 'busyTimeout' | 'rescue'>): Promise<Hub>;
}

/** What the program gets from the process; tests give their own. */
export interface ProgramIo {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readInput(): Promise<Uint8Array>;
  readonly askHidden?: ((prompt: string) => Promise<string>) | undefined;
  readonly askLine?: ((prompt: string) => Promise<string>) | undefined;
  readonly embeddedNode: EmbeddedNodeFactory;
  openHub(options: HubOptions): Promise<Hub>;
}
