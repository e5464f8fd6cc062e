/**
 * Detaches the disks of a VM of libvirt and kills itself before one of the things that it changes: `node killed-detach-child.js FOLDER URI VM
 * NUMBER`. It exits with 0 where there are fewer of them.
 */
import childProcess from 'node:child_process';
import files from 'node:fs/promises';
import { flushCompileCache, syncBuiltinESMExports } from 'node:module';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';

const [startFolder = '', libvirt = '', vm = '', number = ''] = process.argv.slice(2);

let moment = 0;
function beforeChange(what: string): void {
  if (++moment !== Number(number)) return;
  process.stderr.write(`before ${what}\n`);
  // Who is killed does not keep what it has compiled for the next one.
  flushCompileCache();
  process.kill(process.pid, 'SIGKILL');
}

const { spawn } = childProcess;
childProcess.spawn = ((...args: Parameters<typeof spawn>) => {
  if (args[1]?.includes('detach-device') === true) beforeChange(`detach-device ${args[1].at(-1) ?? ''}`);
  return spawn(...args);
}) as typeof spawn;

for (const name of ['rename', 'rm', 'rmdir'] as const) {
  const change = files[name] as (...args: unknown[]) => Promise<void>;
  Object.assign(files, {
    [name]: async (...args: unknown[]): Promise<void> => {
      const path = String(args[0]);
      if (path.includes('/images/') || path.startsWith('/proc/self/fd/')) beforeChange(`${name} ${path}`);
      await change(...args);
    },
  });
}
syncBuiltinESMExports();

await using hub = await openHub({ startFolder, embeddedNode: startNode, readOnly: true });
const place = { kind: 'kvm', libvirt } as const;
const { disks } = await hub.attached.list({ place, vm });
await hub.attached.detach({ place, disks });
