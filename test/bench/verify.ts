import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { fixture, plan } from './fixture.ts';
import { compete, printTable } from './measure.ts';

/** Reads its share of a file in pieces of 1 MiB and hashes each block of 64 KiB: what nobody can do without. */
const bareDigest = `
  const { parentPort, workerData: { file, from, to } } = require('node:worker_threads');
  const { hash } = require('node:crypto');
  const { open } = require('node:fs/promises');
  (async () => {
    const handle = await open(file);
    let next = from;
    await Promise.all(Array.from({ length: 4 }, async () => {
      const buffer = Buffer.allocUnsafeSlow(1048576);
      while (next < to) {
        const at = next;
        next += buffer.length;
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - at), at);
        for (let block = 0; block < bytesRead; block += 65536) hash('sha256', buffer.subarray(block, Math.min(block + 65536, bytesRead)), 'buffer');
      }
    }));
    await handle.close();
    parentPort.postMessage('done');
  })();
`;

const workers = 2;

async function bare(file: string, bytes: number): Promise<void> {
  const share = Math.ceil(bytes / workers / 1048576) * 1048576;
  await Promise.all(
    Array.from({ length: workers }, async (_, number) => {
      const workerData = { file, from: number * share, to: Math.min(bytes, (number + 1) * share) };
      const worker = new Worker(bareDigest, { eval: true, workerData });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
    }),
  );
}

async function readAll(file: string): Promise<void> {
  const pieces = createReadStream(file, { highWaterMark: 1024 * 1024 });
  pieces.resume();
  await finished(pieces);
}

/** Level digests of a full against hashing the same bytes with as many threads, and against reading them. */
export async function verify(bytes: number, rounds: number): Promise<void> {
  await using work = await fixture(bytes);
  await writeFile(work.path('plan.yaml'), plan('bench'));
  await work.sendense('run', 'plan.yaml', '--quiet');
  const { stdout } = await work.sendense('list', '--json');
  const { points } = JSON.parse(stdout) as { points: { disks: { path: string; file_bytes: number }[] }[] };
  const disk = points[0]?.disks[0];
  if (!disk) throw new Error('no restore point');
  const level = (name: string) => ({
    name: `sendense-run verify --level ${name}`,
    run: async () => void (await work.sendense('verify', '--level', name, '--quiet')),
  });
  const rows = await compete(
    [
      { name: `bare digest, ${workers} threads`, run: () => bare(disk.path, disk.file_bytes) },
      {
        name: 'read only',
        run: () => readAll(disk.path),
      },
      level('quick'),
      level('digests'),
      level('deep'),
    ],
    rounds,
  );
  printTable(`Verification of a full of ${bytes / 1024 ** 3} GiB, half data, from the page cache`, rows, rows[0]?.name);
}
