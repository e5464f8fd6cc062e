import { SendenseError } from '../../../errors/sendense-error.ts';
import { lockedByQemuWriters } from '../../../host/files/file-users.ts';
import { loopDeviceOn } from '../../../host/files/loop-devices.ts';
import { openForWriting } from '../../../host/files/open-for-writing.ts';

/**
 * Nobody may write to a disk that is about to be read.
 * @param files all files of the disk, absolute
 * @throws SendenseError `source.busy` naming the file and who can write to it, as far as this user can see
 */
export async function assertNobodyWrites(files: readonly string[]): Promise<void> {
  const writer = await writerOf(files);
  if (writer !== null) throw new SendenseError('source.busy', writer);
}

/** The same after the disk was read. @throws SendenseError `source.changed` */
export async function assertNobodyBeganToWrite(files: readonly string[]): Promise<void> {
  const writer = await writerOf(files);
  if (writer !== null) throw new SendenseError('source.changed', `${writer}: it was opened while it was read`);
}

async function writerOf(files: readonly string[]): Promise<string | null> {
  const program = await openForWriting(files);
  if (program) return `${program.path} is open for writing in ${program.program} (process ${program.pid})`;
  const loop = await loopDeviceOn(files);
  if (loop) return `${loop.path} is attached to ${loop.device}, through which it can be written`;
  const [locked] = await lockedByQemuWriters(files);
  return locked === undefined ? null : `${locked} is open for writing in a QEMU of another user, which holds its lock`;
}
