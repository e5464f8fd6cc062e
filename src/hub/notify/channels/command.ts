import { resolve } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { tail } from '../../../host/programs/process.ts';
import { runInGroup } from '../../../host/programs/run-in-group.ts';
import type { CommandChannel } from '../../../schemas/types.ts';
import type { ChannelKind, Sending } from '../channel.ts';

/** Characters of its output that are kept for the error. */
const keptOutput = 2000;

export const commandChannel: ChannelKind<CommandChannel> = {
  target: ({ run }) => run[0],
  hears: 'troubles',
  send: start,
};

/** The message goes to its standard input; whatever it prints is only of interest where it fails. */
async function start(channel: CommandChannel, { message, signal, folder }: Sending): Promise<null> {
  const [file = '', ...args] = channel.run;
  let said = '';
  const hear = (text: string): void => void (said = (said + text).slice(-keptOutput));
  const program = file.startsWith('.') ? resolve(folder, file) : file;
  try {
    const end = await runInGroup(program, args, {
      input: JSON.stringify(message),
      cwd: folder,
      signal,
      onStdout: hear,
      onStderr: hear,
    });
    if (end !== 0) throw new Error(`${file} ended with ${end}`);
  } catch (error) {
    signal.throwIfAborted();
    const heard = tail(said);
    const what = (error as Error).message;
    throw new SendenseError('notify.failed', heard === '' ? what : `${what}: ${heard}`, { cause: error });
  }
  return null;
}
