import type { OpenFiles } from '../../files/open-files.ts';
import type { FilesCaller } from '../../files/file-sessions.ts';
import type { BegunTransfer } from '../../files/transfers.ts';
import { recorded } from './recorded.ts';

type OnBytes = (bytes: Buffer) => Promise<void>;

/**
 * As {@link recorded}, for what a caller takes with it: `/transfers` says how it ended, for a stream that breaks off cannot.
 * @param act answers a line for each file that is left out
 */
export async function transferred(
  files: OpenFiles,
  what: BegunTransfer & Pick<FilesCaller, 'who' | 'address'>,
  act: (onBytes: OnBytes, count: (bytes: number) => void) => Promise<readonly string[]>,
  onBytes: OnBytes,
): Promise<void> {
  const transfer = files.transfers.begin(what);
  const { who, address, action, volume, path } = what;
  const take: OnBytes = async (bytes) => {
    transfer.count(bytes.length);
    await onBytes(bytes);
  };
  try {
    transfer.end(await recorded(files, { who, address, action, volume, path }, act, take));
  } catch (error) {
    // Where the restore point was closed, all that reads it fails one way or another.
    transfer.fail(files.closed.aborted ? files.closed.reason : error);
    throw error;
  }
}
