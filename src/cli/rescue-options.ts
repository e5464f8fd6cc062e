import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { RescueRequest } from '../hub/rescue/open-rescue.ts';
import type { Secret } from '../schemas/types.ts';
import type { CommandDefinition, OptionDefinition } from './command.ts';

/** `--repository` of a command that also reads a repository without settings. */
export const repositoryOrPath = (description: string): OptionDefinition => ({
  flags: '-r, --repository <name-or-path>',
  description: `${description}; or a path with a slash (/mnt/repository, ./repository): the command reads it without settings and database, and writes nothing to it`,
  completes: 'repositories-or-folders',
});

export const keyOptions: readonly OptionDefinition[] = [
  {
    flags: '--key-file <file>',
    description: 'if --repository is a path and encrypted: file with its key; may be repeated',
    repeats: true,
    completes: 'files',
  },
  {
    flags: '--key-command <command>',
    description: 'if --repository is a path and encrypted: shell command that prints its key; may be repeated',
    repeats: true,
    completes: 'nothing',
  },
];

/** A name of sendense.yaml has no slash. */
export const isPath = (repository: string): boolean => /\//.test(repository) || /^\.{1,2}$/.test(repository);

interface RescueWords {
  readonly repository?: string;
  readonly keyFile?: readonly string[];
  readonly keyCommand?: readonly string[];
  readonly config?: string;
}

/**
 * The repository that is to be read with nothing else known; undefined where the settings say which there are.
 * @throws SendenseError `usage`
 */
export function rescueAsked(
  { options, name }: Pick<CommandDefinition, 'options' | 'name'>,
  words: Readonly<Record<string, unknown>>,
): RescueRequest | undefined {
  if (!options.includes(keyOptions[0] as OptionDefinition)) return undefined;
  const { repository, keyFile = [], keyCommand = [], config } = words as RescueWords;
  if (repository === undefined || !isPath(repository)) {
    if (keyFile.length + keyCommand.length === 0) return undefined;
    throw usage(name, '--key-file and --key-command are for the path of a repository', pathHint(repository));
  }
  if (config !== undefined)
    throw usage(name, 'you cannot use --config together with the path of a repository', undefined);
  const keys: Secret[] = [
    ...keyFile.map((file) => ({ secret: { file: resolve(file) } })),
    ...keyCommand.map((command): Secret => ({ secret: { command: ['/bin/sh', '-c', command] } })),
  ];
  return { path: repository, keys };
}

const pathHint = (repository: string | undefined): string =>
  `Name the path: --repository ./${repository ?? 'PATH'}. If you have settings, they name the keys.`;

const usage = (command: string, message: string, remedy: string | undefined): SendenseError =>
  new SendenseError('usage', message, { remedy: remedy ?? `See \`sendense-run ${command} --help\`.` });
