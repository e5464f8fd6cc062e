import { SendenseError } from '../../errors/sendense-error.ts';

/** The connection ended before the answer did. */
export const cutOff = (cause?: unknown): SendenseError =>
  new SendenseError('files.reader', 'the answer was cut off: the restore point was closed, or its reader failed', {
    cause,
  });
