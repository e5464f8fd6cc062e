import type { Volume } from '../../../src/files/protocol.ts';
import type { Reader } from '../../../src/files/reader/start-reader.ts';
import { prepare, type Prepared } from '../fixtures/prepared.ts';
import { waitingReader } from '../reader-of.ts';

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
  const waiting = stack.use(await waitingReader({ kind, memoryMiB: 512 }));
  const disks: (readonly [number: number, file: string])[] = [];
  const shown: Shown[] = [];
  let first = 0;
  for (const prepared of await prepare(names)) {
    shown.push({ prepared, first });
    for (const [number, file] of prepared.disks) disks.push([first + number, file]);
    first += prepared.fixture.disks.length;
  }
  return { reader: waiting.reader, shown, volumes: await waiting.plug(...disks) };
}
