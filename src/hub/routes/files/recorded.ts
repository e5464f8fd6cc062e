import { toSendenseError } from '../../../errors/sendense-error.ts';
import type { OpenFiles } from '../../files/file-sessions.ts';

/** Does something with a restore point's files and writes down that it was done, how many bytes it took, and how it ended. */
export async function recorded<T>(
  files: OpenFiles,
  what: Omit<Parameters<OpenFiles['record']>[0], 'bytes' | 'error'>,
  act: (onBytes: (bytes: Buffer) => Promise<void>) => Promise<T>,
  onBytes?: (bytes: Buffer) => Promise<void>,
): Promise<T> {
  let bytes = 0;
  const counted = async (piece: Buffer): Promise<void> => {
    bytes += piece.length;
    await onBytes?.(piece);
  };
  const told = (): { bytes: number } | object => (onBytes ? { bytes } : {});
  try {
    const result = await act(counted);
    files.record({ ...what, ...told() });
    return result;
  } catch (error) {
    const isGone = (error as Error).name === 'AbortError';
    files.record({ ...what, ...told(), error: isGone ? 'job.cancelled' : toSendenseError(error).code });
    throw error;
  }
}
