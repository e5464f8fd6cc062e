import { execa } from 'execa';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MiB = 1024 * 1024;
const stripe = 64 * MiB;

export interface Fixture extends AsyncDisposable {
  readonly folder: string;
  readonly disk: string;
  path(...names: string[]): string;
  sendense(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>;
}

/** As a user calls it: the wrapper of the checkout. */
export const program = join(import.meta.dirname, '../../sendense-run');

/** A folder with settings and a raw disk of `bytes`, every other 64 MiB of it random data. */
export async function fixture(bytes: number): Promise<Fixture> {
  const folder = await mkdtemp(join(process.env['BENCH_DIR'] ?? tmpdir(), 'sendense-bench-'));
  const path = (...names: string[]): string => join(folder, ...names);
  const disk = path('disk.raw');
  await writeFile(path('sendense.yaml'), 'version: 1\nrepositories: { primary: { path: ./repository } }\n');
  await writeDisk(disk, bytes);
  return {
    folder,
    disk,
    path,
    sendense: async (...args) => {
      const result = await execa(program, args, { cwd: folder, reject: false });
      if (result.exitCode !== 0) throw new Error(`sendense-run ${args.join(' ')}: ${result.stderr}\n${result.stdout}`);
      return { exitCode: 0, stdout: result.stdout, stderr: result.stderr };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function writeDisk(file: string, bytes: number): Promise<void> {
  await using handle = await open(file, 'wx');
  await handle.truncate(bytes);
  const random = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(MiB);
  for (let at = 0; at < bytes; at += 2 * stripe) {
    for (let offset = at; offset < Math.min(at + stripe, bytes); offset += MiB) {
      const piece = random.update(zeros.subarray(0, Math.min(MiB, bytes - offset)));
      await handle.write(piece, 0, piece.length, offset);
    }
  }
  await handle.sync();
}

export interface Area {
  readonly offset: number;
  readonly length: number;
}

/** Overwrites a share of the disk in pieces of 64 KiB at even distances; answers where. */
export async function change(file: string, bytes: number, share: number): Promise<Area[]> {
  const piece = 64 * 1024;
  const count = Math.max(1, Math.round((bytes * share) / piece));
  const distance = Math.floor(bytes / count / piece) * piece;
  await using handle = await open(file, 'r+');
  const areas: Area[] = [];
  for (let index = 0; index < count; index++) {
    await handle.write(randomBytes(piece), 0, piece, index * distance);
    areas.push({ offset: index * distance, length: piece });
  }
  await handle.sync();
  return areas;
}

export const plan = (name: string, more = '', kind = 'backup'): string => `version: 1
kind: ${kind}
name: ${name}
vm: { name: ${name}, source: { type: image, disks: [{ path: disk.raw${more} }] } }
repository: primary
`;

/** The changed areas as an outside tracker would hand them over. */
export const writeChanges = (
  file: string,
  bytes: number,
  changeId: string,
  since: string | null,
  areas: readonly Area[],
): Promise<void> =>
  writeFile(file, JSON.stringify({ version: 1, capacity_bytes: bytes, change_id: changeId, since, areas }));

/** `8G`, `512M` -> bytes. */
export function parseSize(text: string): number {
  const match = /^([0-9]+)([KMGT])$/.exec(text);
  if (!match) throw new Error(`not a size: ${text} (for example 8G or 512M)`);
  return Number(match[1]) * 1024 ** ('KMGT'.indexOf(match[2] ?? 'K') + 1);
}
