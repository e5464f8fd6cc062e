import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readTarHeader, tarBlock, tarPadding } from '../../host/files/tar-header.ts';
import type { ImageTarget } from '../../host/images/image-options.ts';
import { serveToRead } from '../../restore-points/serve-chain.ts';
import { openParts } from '../directory/part-folder.ts';
import type { ReadBack, Reading, RestoredDisk, WrittenDisk } from '../target-kind.ts';
import { isDiskFile } from './ova-names.ts';

/** Where a member of an archive lies. */
interface Member {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * Serves the disk in the archive itself: what is compared is what whoever gets the file will read. All but the disks is compared with its
 * digest before that, and so is this disk.
 * @throws SendenseError `content.mismatch`, `file.unreadable`
 */
export async function readBack(written: WrittenDisk, disk: RestoredDisk, reading: Reading): Promise<ReadBack> {
  const { temporary } = written;
  await using opened = new AsyncDisposableStack();
  const parts = opened.use(await openParts(dirname(temporary)));
  const name = basename(temporary);
  await using handle = await open(`${parts.path}/${name}`, 'r');
  const members = await membersOf(handle);
  const member = members.find((one) => isDiskFile(one.name, disk.disk));
  if (!member) throw new SendenseError('content.mismatch', `${written.file} has no file for ${disk.disk}`);
  await assertDigests(handle, members, member, reading);
  const node = {
    driver: 'vmdk',
    file: {
      driver: 'raw',
      offset: member.offset,
      size: member.size,
      file: { driver: 'file', filename: `./${name}` },
    },
  };
  const image: ImageTarget = { name: `json:${JSON.stringify(node)}`, format: [], objects: [], secret: undefined };
  const server = opened.use(
    await serveToRead(
      { file: temporary, format: 'vmdk', image, cwd: parts.path, signal: reading.signal },
      reading.folderId,
    ),
  );
  const held = opened.move();
  return { uri: server.uri, rawFile: null, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function membersOf(handle: FileHandle): Promise<Member[]> {
  const members: Member[] = [];
  for (let at = 0; ;) {
    const block = Buffer.alloc(tarBlock);
    const { bytesRead } = await handle.read(block, 0, tarBlock, at);
    const header = readTarHeader(block.subarray(0, bytesRead));
    if (header === null) return members;
    members.push({ ...header, offset: at + tarBlock });
    at += tarBlock + header.size + tarPadding(header.size);
  }
}

/** Of this disk, and of all that is no disk. */
async function assertDigests(
  handle: FileHandle,
  members: readonly Member[],
  disk: Member,
  reading: Reading,
): Promise<void> {
  const manifest = members[1];
  if (!manifest?.name.endsWith('.mf')) throw new SendenseError('content.mismatch', 'the archive has no manifest');
  const text = Buffer.alloc(manifest.size);
  await handle.read(text, 0, text.length, manifest.offset);
  const wanted = new Map(
    [...text.toString('utf8').matchAll(/^SHA256\((.+)\)= ([0-9a-f]{64})$/gm)].map(([, name = '', sha256]) => [
      name,
      sha256,
    ]),
  );
  for (const member of members) {
    if (member === manifest || (member !== disk && member.name.endsWith('.vmdk'))) continue;
    if ((await digestOf(handle, member, reading)) !== wanted.get(member.name))
      throw new SendenseError(
        'content.mismatch',
        `${member.name} in the OVA does not have the digest in ${manifest.name}`,
        {
          remedy: 'Look at the kernel log (`dmesg`): the disk may be failing. Restore again, to another disk.',
        },
      );
  }
}

const readBytes = 4 * 2 ** 20;

async function digestOf(handle: FileHandle, { offset, size }: Member, { signal, onRead }: Reading): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(readBytes);
  for (let done = 0; done < size;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(readBytes, size - done), offset + done);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
    onRead?.(done, size);
  }
  return hash.digest('hex');
}
