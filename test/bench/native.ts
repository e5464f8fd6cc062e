import { execa } from 'execa';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Area } from './fixture.ts';

/** What one would type without Sendense; each ends with the target flushed to disk. */

export async function flush(file: string): Promise<void> {
  await using handle = await open(file, 'r+');
  await handle.sync();
}

export async function convert(
  from: string,
  fromFormat: string,
  to: string,
  toFormat: string,
  ...more: string[]
): Promise<void> {
  await execa('qemu-img', ['convert', ...more, '-f', fromFormat, '-O', toFormat, from, to]);
  await flush(to);
}

interface Server extends AsyncDisposable {
  readonly uri: string;
}

/** qemu-nbd on a Unix socket, tuned as in docs/performance.md; ends gracefully, so that it has flushed. */
export async function qemuNbd(file: string, format: string, ...more: string[]): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-nbd-'));
  const socket = join(folder, 's');
  const server = execa('qemu-nbd', [
    '--persistent',
    '--shared=10',
    `--socket=${socket}`,
    `--format=${format}`,
    ...more,
    '--fork',
    `--pid-file=${join(folder, 'pid')}`,
    file,
  ]);
  await server;
  const { stdout } = await execa('cat', [join(folder, 'pid')]);
  return {
    uri: `nbd+unix:///?socket=${socket}`,
    [Symbol.asyncDispose]: async () => {
      await execa('kill', [stdout.trim()]);
      await execa('tail', [`--pid=${stdout.trim()}`, '-s', '0.01', '-f', '/dev/null']);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const writing = ['--cache=none', '--aio=native', '--discard=unmap', '--detect-zeroes=on'];

/** nbdcopy with the tuned options, from a raw file into a qcow2 that exists. */
export async function tunedCopy(from: string, to: string): Promise<void> {
  {
    await using source = await qemuNbd(from, 'raw', '--read-only');
    await using target = await qemuNbd(to, 'qcow2', ...writing);
    await execa('nbdcopy', [
      '--flush',
      '--destination-is-zero',
      '--connections=4',
      '--requests=64',
      '--request-size=1048576',
      source.uri,
      target.uri,
    ]);
  }
  await flush(to);
}

/** nbdcopy of the given areas only, onto an overlay that exists. */
export async function copyAreas(from: string, to: string, areas: readonly Area[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-areas-'));
  try {
    const list = join(folder, 'extents');
    await writeFile(list, areas.map((area) => `${area.offset} ${area.length}\n`).join(''));
    await using target = await qemuNbd(to, 'qcow2', ...writing);
    const copy = `nbdcopy --flush --destination-is-zero --sparse=0 --connections=4 --requests=64 --request-size=65536 "$uri" '${target.uri}'`;
    await execa('nbdkit', [
      '--readonly',
      '-U',
      '-',
      '--filter=extentlist',
      'file',
      from,
      `extentlist=${list}`,
      '--run',
      copy,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await flush(to);
}
