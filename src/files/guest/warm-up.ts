import { setTimeout as delay } from 'node:timers/promises';
import { cryptModules, loadModules } from './modules.ts';
import { run } from './programs.ts';

/** What most restore points need. Each is read from the hub's disk the first time that it starts. */
const programs: readonly (readonly [file: string, ...args: string[]])[] = [
  ['blkid', '-p', '/dev/null'],
  ['busybox', 'mount', '--help'],
  ['dmsetup', 'version'],
  ['lvm', 'version'],
  ['partx', '--version'],
  ['filefrag', '-V'],
  ['tar', '--version'],
  ['mdadm', '--version'],
];

/** Without raid456, which dm-raid needs: it measures the processor for a second when it is loaded. */
const modules = ['dm-thin-pool', 'dm-mirror', 'dm-snapshot', 'dm-cache', ...cryptModules, 'md-mod', 'raid1'];

/** Who starts a reader for a restore point plugs it in within this, ms. */
const firstMs = 500;

/** While nobody waits: what would take time when somebody does. */
export async function warmUp(isIdle: () => boolean): Promise<void> {
  await delay(firstMs);
  for (const [file, ...args] of programs) {
    if (!isIdle()) return;
    await run(file, args);
  }
  for (const name of modules) {
    if (!isIdle()) return;
    await loadModules(name);
  }
}
