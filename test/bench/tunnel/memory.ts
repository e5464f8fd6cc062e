import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nbdPorts } from './built-in-hub.ts';
import { lineKinds } from './lines.ts';
import { residentOf } from './process-figures.ts';
import { startChild } from './start-child.ts';
import { openTunnelFor, shift, startServers, tunnelNames, type WayName } from './ways.ts';

const MB = 1e6;
const program = join(import.meta.dirname, 'load-child.ts');
const seconds = 6;

/** What the processes of a tunnel take when all forwards are busy at once, and when nobody takes what they carry. */
export async function tunnelMemory(): Promise<void> {
  const ports = Array.from({ length: nbdPorts.to - nbdPorts.from + 1 }, (_, index) => nbdPorts.from + index);
  console.log(`\nMemory of the tunnel's processes, MB, ${ports.length} forwards on loopback (target: 200 in all)`);
  console.log(`  ${''.padEnd(26)}   idle   all busy   all stand still`);
  for (const name of tunnelNames) {
    const idle: number[] = [];
    const peaks: number[] = [];
    for (const how of ['read', 'stall'] as const) {
      const { before, peak } = await peakOf(name, how, ports);
      idle.push(before);
      peaks.push(peak);
    }
    const [busy = 0, still = 0] = peaks;
    const cell = (bytes: number, width: number): string => (bytes / MB).toFixed(0).padStart(width);
    console.log(`  ${name.padEnd(26)}${cell(Math.min(...idle), 7)}${cell(busy, 11)}${cell(still, 18)}`);
  }
}

async function peakOf(
  name: WayName,
  how: 'read' | 'stall',
  ports: readonly number[],
): Promise<{ before: number; peak: number }> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'tbench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const line = stack.use(await lineKinds[0].lay());
  const servers = stack.use(await startServers(line, folder));
  stack.use(
    await startChild(line.hub, [process.execPath, program, 'sink', how, ...ports.map(String)], { ready: /ready/ }),
  );
  const tunnel = stack.use(await openTunnelFor(name, line, servers, folder, ports));
  const before = residentOf(tunnel.pids());
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, residentOf(tunnel.pids()))), 50);
  const argv = [process.execPath, program, 'source', String(seconds), ...ports.map((port) => String(port + shift))];
  const [file = '', ...args] = [...line.node.prefix, ...argv];
  await execa(file, args);
  clearInterval(timer);
  return { before, peak };
}
