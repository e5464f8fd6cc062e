import type { ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { filesClient } from '../../files/client/files-client.ts';
import type { OpenedPoint } from '../../files/choose/find-volume.ts';
import type { FilesOpenOutput } from '../../schemas/types.ts';

/** What `files.open` has opened, for a later step of the same run. */
export const openedPoint = ({ socket, session, volumes }: FilesOpenOutput): OpenedPoint => ({
  client: filesClient(socket),
  files: { id: session, volumes },
});

/** What a plan says where the command line has an option. */
const remedies: Partial<Record<ErrorCode, string>> = {
  'files.locked': 'Name the passphrase: `passphrase: { secret: { file: FILE } }` in the plan.',
  'file.exists': 'Move it away, choose another folder, or write `overwrite: true` into the plan.',
};

/** Does a step's work; an error says what helps in a plan. */
export async function inPlan<T>(work: () => Promise<T>, { overwrite = false } = {}): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // With `overwrite` the error says itself what is in the way: a folder where a file goes, or the other way round.
    const isInTheWay = overwrite && error instanceof SendenseError && error.code === 'file.exists';
    const remedy = error instanceof SendenseError && !isInTheWay ? remedies[error.code] : undefined;
    if (!(error instanceof SendenseError) || remedy === undefined) throw error;
    throw new SendenseError(error.code, error.message, { cause: error, remedy });
  }
}
