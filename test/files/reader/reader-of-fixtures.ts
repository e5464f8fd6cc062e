import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Volume } from '../../../src/files/protocol.ts';
import { chooseKind } from '../../../src/files/reader/kinds/choose-kind.ts';
import { startReader, type Reader, type ReaderDisk } from '../../../src/files/reader/start-reader.ts';
import type { FindStored } from '../../../src/files/reader/stored.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { prepare, type Prepared } from '../fixtures/prepared.ts';

export interface Shown {
  readonly prepared: Prepared;
  /** Number of its disk 0 in the reader. */
  readonly first: number;
}

/** The disks of several fixtures in one reader. */
export async function readerOf(
  names: readonly string[],
  stack: AsyncDisposableStack,
  kind: string,
): Promise<{ reader: Reader; shown: Shown[]; volumes: readonly Volume[] }> {
  const folder = stack.use(await temporaryFolder()).path;
  const reader = stack.use(await startReader({ kind: chooseKind(kind), folder, memoryMiB: 512 }));
  const disks: ReaderDisk[] = [];
  const shown: Shown[] = [];
  let first = 0;
  for (const prepared of await prepare(names)) {
    shown.push({ prepared, first });
    for (const [number, file] of prepared.disks) disks.push(await serve(reader, first + number, file, stack));
    first += prepared.fixture.disks.length;
  }
  return { reader, shown, volumes: await reader.plug(disks) };
}

async function serve(reader: Reader, number: number, file: string, stack: AsyncDisposableStack): Promise<ReaderDisk> {
  const socket = `disk-${number}`;
  const path = join(reader.sockets, socket);
  const child = spawn('qemu-nbd', ['--persistent', '--shared=4', '-r', '-f', 'raw', '-k', path, file], {
    stdio: 'ignore',
  });
  stack.defer(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
  });
  while (!existsSync(path)) await delay(5);
  const { uid, gid } = statSync(reader.sockets);
  chownSync(path, uid, gid);
  const find: FindStored = async (areas) => areas.map((area) => ({ ...area, in: { file, offset: area.offset } }));
  return { number, bytes: (await stat(file)).size, socket, find };
}
