import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fixture, program } from './fixture.ts';

const KiB = 1024;
const parts = 10;

/** Memory of the hub while a group backs up many small VMs: it must not follow their number. */
export async function groupMemory(vms: number): Promise<void> {
  await using work = await fixture(128 * KiB);
  const names = Array.from({ length: vms }, (_, number) => `vm${String(number).padStart(4, '0')}`);
  const sources = names.map((name) => `      ${name}: { disks: [{ path: ./disk.raw }] }`);
  await writeFile(
    work.path('sendense.yaml'),
    `version: 1\nrepositories: { primary: { path: ./repository } }\nsources:\n  lab:\n    type: image\n    vms:\n${sources.join('\n')}\n`,
  );
  await writeFile(
    work.path('all.yaml'),
    'kind: group\nname: all\nrepository: primary\nmembers: [{ name: "*" }]\natOnce: 3\n',
  );
  console.log(`\nMemory of the hub in a group of ${vms} VMs, MB (target: 200, and flat)`);
  for (const run of ['fulls', 'incrementals']) {
    const started = performance.now();
    const sizes = await sizesOf(work.folder, vms);
    const seconds = (performance.now() - started) / 1000;
    const shown = sizes.map((bytes) => (bytes / KiB ** 2).toFixed(0)).join(' ');
    console.log(
      `  ${run.padEnd(12)} peak ${(Math.max(...sizes) / KiB ** 2).toFixed(0)}, ${seconds.toFixed(0)} s; the most in each tenth of the VMs: ${shown}`,
    );
  }
}

/** The most that was resident while each part of the VMs was backed up, bytes. */
async function sizesOf(cwd: string, vms: number): Promise<number[]> {
  const run = execa(program, ['run', 'all.yaml'], { cwd, reject: false });
  let done = 0;
  const sizes: number[] = [];
  const ended = new AbortController();
  const watch = async (): Promise<void> => {
    for (;;) {
      const part = Math.min(parts - 1, Math.floor((done * parts) / vms));
      sizes[part] = Math.max(sizes[part] ?? 0, await residentOf(run.pid ?? 0));
      await delay(50, undefined, { signal: ended.signal }).catch(() => undefined);
      if (ended.signal.aborted) return;
    }
  };
  const watching = watch();
  for await (const line of run.iterable({ from: 'stderr' })) if (/ \(\d+ of \d+\)/.test(line)) done++;
  const { exitCode, stderr } = await run;
  ended.abort();
  await watching;
  if (exitCode !== 0) throw new Error(`the group ended with ${exitCode}: ${stderr}`);
  // Of a few VMs some parts are empty.
  return sizes.filter((size) => size > 0);
}

/** Source: proc_pid_status(5), VmRSS. */
async function residentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * KiB;
}
