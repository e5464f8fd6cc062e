import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Extent } from '../../src/blocks/extents.ts';
import { unixUri } from '../../src/host/nbd/nbd-uri.ts';
import { runTool } from '../../src/host/programs/process.ts';
import { serveNbd, type NbdServer } from '../../src/host/nbd/qemu-nbd.ts';
import { numbersOf } from '../support/random.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const block = 64 * KiB;

/** A fresh folder with servers in it; everything is gone when it is disposed. */
export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  path(name: string): string;
  /** A raw file of this size with these bytes in it. */
  raw(name: string, size: number, pieces?: readonly { offset: number; data: Uint8Array }[]): Promise<string>;
  qcow2FromRaw(name: string, raw: string): Promise<string>;
  qemuNbd(file: string, format?: string): Promise<NbdServer>;
  nbdkit(...args: string[]): Promise<string>;
  /** The same, writable. */
  nbdkitTarget(...args: string[]): Promise<{ readonly uri: string; readonly pid: number }>;
  /** A fresh qcow2 served for writing, on top of another where one is given. `stop` flushes it. */
  target(name: string, size: number, backing?: string): Promise<{ readonly file: string; readonly server: NbdServer }>;
  /** What a qcow2 shows. */
  contentOf(qcow2: string): Promise<Buffer>;
}

export async function openWorkshop(): Promise<Workshop> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'blocks-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  let servers = 0;
  const kept = stack.move();

  const startKit = async (args: readonly string[]): Promise<{ uri: string; pid: number }> => {
    const id = `k${servers++}`;
    const [socket, pidFile] = [path(`${id}.sock`), path(`${id}.pid`)];
    const child = spawn('nbdkit', ['-f', '-U', socket, '-P', pidFile, ...args], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    kept.defer(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    // It writes the pid file when it accepts connections.
    const limit = AbortSignal.timeout(200_000);
    while (!existsSync(pidFile)) {
      limit.throwIfAborted();
      if (child.exitCode !== null) throw new Error(`nbdkit ${args.join(' ')} ended with ${child.exitCode}`);
      await delay(5);
    }
    return { uri: unixUri(socket, ''), pid: child.pid ?? -1 };
  };

  return {
    folder,
    path,
    async raw(name, size, pieces = []) {
      await using file = await open(path(name), 'w');
      await file.truncate(size);
      for (const { offset, data } of pieces) await file.write(data, 0, data.length, offset);
      return path(name);
    },
    async qcow2FromRaw(name, raw) {
      await runTool('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path(name)]);
      return path(name);
    },
    async qemuNbd(file, format = 'raw') {
      const id = `q${servers++}`;
      const listen = { socket: path(`${id}.sock`) };
      return kept.use(
        await serveNbd({ file, format, readOnly: true, listen, exportName: 'disk 0', pidFile: path(`${id}.pid`) }),
      );
    },
    nbdkit: async (...args) => (await startKit(['-r', ...args])).uri,
    nbdkitTarget: (...args) => startKit(args),
    async target(name, size, backing) {
      const file = path(`${name}.qcow2`);
      const base = backing === undefined ? [] : ['-F', 'qcow2', '-b', backing];
      await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', ...base, file, String(size)]);
      const [listen, pidFile] = [{ socket: path(`${name}.sock`) }, path(`${name}.pid`)];
      const server = await serveNbd({ file, format: 'qcow2', readOnly: false, listen, exportName: 'target', pidFile });
      return { file, server: kept.use(server) };
    },
    async contentOf(qcow2) {
      await runTool('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', qcow2, `${qcow2}.raw`]);
      return readFile(`${qcow2}.raw`);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Repeatable bytes that look random. */
export const noise = (length: number, seed = 1): Buffer => numbersOf(['noise', seed]).bytes(length);

/** Digests of blocks the slow and plain way. */
export function digestsOf(content: Uint8Array): Buffer[] {
  const digests: Buffer[] = [];
  for (let at = 0; at < content.length; at += block) {
    const piece = content.subarray(at, at + block);
    digests.push(
      Buffer.alloc(piece.length).equals(piece) ? Buffer.alloc(32) : createHash('sha256').update(piece).digest(),
    );
  }
  return digests;
}

/** Whole blocks that differ, merged. */
export function differences(a: Uint8Array, b: Uint8Array): Extent[] {
  const changed: { offset: number; length: number }[] = [];
  for (let offset = 0; offset < a.length; offset += block) {
    const end = Math.min(offset + block, a.length);
    if (Buffer.compare(a.subarray(offset, end), b.subarray(offset, end)) === 0) continue;
    const last = changed.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length = end - last.offset;
    else changed.push({ offset, length: end - offset });
  }
  return changed;
}
