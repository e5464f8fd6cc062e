/**
 * Our own NBD client, as the transfer uses it, from memory: `writer-child.ts copy BYTES ADDRESSES URI…` writes that much to each with
 * four connections, by so many loopback addresses in turn; `writer-child.ts latency REQUESTS URI` writes 64 KiB, one request after the other, and prints the milliseconds of
 * each as JSON. The file of the pre-shared key, for `nbds:`, is in the variable BENCH_PSK.
 */
import { readPsk } from '../../../src/host/nbd/psk-file.ts';
import { loopbackAddresses } from '../../../src/host/net/loopback-addresses.ts';
import { connectNbdTarget, type NbdTarget } from '../../../src/host/nbd/nbd-target.ts';

const [what = '', count = '', ...uris] = process.argv.slice(2);
const psk = process.env['BENCH_PSK'] ? await readPsk(process.env['BENCH_PSK']) : null;

const connections = 4;
/** As `copyExport` does it. */
const requestBytes = 1024 * 1024;
const requestsEach = 8;

async function copy(uri: string, bytes: number, addresses: readonly string[]): Promise<void> {
  await using first = await connectNbdTarget(uri, { psk });
  let next = 0;
  const data = Buffer.alloc(requestBytes, 0xa5);
  const lane = async (target: NbdTarget): Promise<void> => {
    while (next < bytes) {
      const offset = next;
      next += requestBytes;
      await target.write(offset, data.subarray(0, Math.min(requestBytes, bytes - offset)));
    }
  };
  await Promise.all(
    Array.from({ length: connections }, async (_, nth) => {
      const link = { reconnectMs: 60_000, addresses, beside: { server: first.facts, nth } };
      await using target = await connectNbdTarget(uri, { psk, ...link });
      await Promise.all(Array.from({ length: requestsEach }, () => lane(target)));
      await target.flush();
    }),
  );
}

async function latency(uri: string, requests: number): Promise<number[]> {
  const data = Buffer.alloc(64 * 1024, 0xa5);
  await using target = await connectNbdTarget(uri, { psk });
  const times: number[] = [];
  for (let index = 0; index < requests; index++) {
    const started = performance.now();
    await target.write((index % 1000) * data.length, data);
    times.push(performance.now() - started);
  }
  return times;
}

if (what === 'copy') {
  const [addresses = '1', ...disks] = uris;
  const others = loopbackAddresses(Number(addresses)).slice(1);
  await Promise.all(disks.map((uri) => copy(uri, Number(count), others)));
} else console.log(JSON.stringify(await latency(uris[0] ?? '', Number(count))));
