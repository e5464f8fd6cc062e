import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { OptionDefinition } from '../command.ts';

/** Options of an `install` command. @param remove what --remove does @param user whom --user names */
export const installOptionsFor = (remove: string, user: string): readonly OptionDefinition[] => [
  { flags: '--print', description: 'print the unit files and change nothing' },
  { flags: '--remove', description: remove },
  { flags: '--user <user>', description: user, default: 'sendense' },
  {
    flags: '--root <dir>',
    description: 'write below this folder as if it were /, and start nothing',
    default: '/',
    completes: 'folders',
  },
  { flags: '--no-start', description: 'write the files only' },
];

/** Of a service with a unit of its own. */
export const installOptions = installOptionsFor(
  'stop the services and remove their unit files; settings and state stay',
  'the user of the services; made where it is missing',
);

export interface InstallChoice {
  readonly print: boolean;
  readonly remove: boolean;
  readonly user: string;
  readonly root: string;
  readonly start: boolean;
}

/** What those options say. @throws SendenseError `usage` */
export function installChoice(options: Readonly<Record<string, unknown>>): InstallChoice {
  const user = options['user'] as string;
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user))
    throw new SendenseError('usage', `--user ${user} is not the name of a user`);
  if (options['print'] === true && options['remove'] === true)
    throw new SendenseError('usage', '--print and --remove: it is one or the other');
  return {
    print: options['print'] === true,
    remove: options['remove'] === true,
    user,
    root: resolve(options['root'] as string),
    start: options['start'] !== false,
  };
}
