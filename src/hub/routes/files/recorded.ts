import { toSendenseError } from '../../../errors/sendense-error.ts';
import type { OpenFiles } from '../../files/open-files.ts';
import { isGone } from '../../files/transfers.ts';

/**
 * Does something with a restore point's files and writes down that it was done, how many bytes it took, and how it ended.
 * @param act hands bytes over, or says of how many the caller was told
 */
export async function recorded<T>(
  files: OpenFiles,
  what: Parameters<OpenFiles['begin']>[0],
  act: (onBytes: (bytes: Buffer) => Promise<void>, count: (bytes: number) => void) => Promise<T>,
  onBytes?: (bytes: Buffer) => Promise<void>,
): Promise<T> {
  const end = files.begin(what);
  let handed = 0;
  const count = (more: number): void => void (handed += more);
  const counted = async (piece: Buffer): Promise<void> => {
    count(piece.length);
    await onBytes?.(piece);
  };
  const bytes = (): number | null => (onBytes ? handed : null);
  try {
    const result = await act(counted, count);
    end({ bytes: bytes() });
    return result;
  } catch (error) {
    end({ bytes: bytes(), error: isGone(error) ? 'files.cut-off' : toSendenseError(error).code });
    throw error;
  }
}
