import { setTimeout as delay } from 'node:timers/promises';
import { serialLog } from '../../src/boot/boot-files.ts';
import { readEnd } from '../../src/host/files/read-end.ts';
import type { BootOutput } from '../../src/schemas/types.ts';
import { linuxDisk } from '../guests/linux-guest.ts';
import { writeFile, rm } from 'node:fs/promises';
import { fixture, plan } from './fixture.ts';
import { compete, printTable, type Contender } from './measure.ts';

const machine = ['--memory', '256MiB', '--cpus', '1', '--accel', 'tcg'];

/** From the command to a running QEMU; and how long the guest itself takes, from the chain and from a copy of its own. */
export async function boot(rounds: number): Promise<void> {
  await using work = await fixture(0);
  await rm(work.disk);
  await linuxDisk(work.disk, 'bios');
  await writeFile(work.path('plan.yaml'), plan('vm'));
  await work.sendense('plan.yaml');
  const json = async (...args: string[]): Promise<BootOutput> =>
    JSON.parse((await work.sendense('boot', ...args, '--json')).stdout) as BootOutput;
  const off = (id: string): Promise<BootOutput> => json('stop', id, '--power-off', '--force');
  const chain = await json('vm', ...machine);
  await off(chain.id);
  const copy = await json('vm', ...machine);
  await json('move', copy.id, '--to', 'moved');
  await off(copy.id);
  let last = '';
  const command = await compete(
    [
      {
        name: 'boot: from the command to a running QEMU (target: 1.0 s)',
        run: async () => void (last = (await json('vm', ...machine)).id),
        clean: async () => void (await work.sendense('boot', 'stop', last, '--yes')),
      },
    ],
    rounds,
  );
  printTable('A VM runs from its restore point', command);
  const guest = ({ id, folder }: BootOutput, name: string): Contender => ({
    name,
    prepare: async () => {
      await rm(serialLog(folder), { force: true });
      await json('start', id);
    },
    run: async () => {
      while (!(await readEnd(serialLog(folder), 4096)).includes('guest:')) await delay(20);
    },
    clean: async () => void (await off(id)),
  });
  const local = 'its guest, from a copy on this machine';
  const rows = await compete(
    [guest(copy, local), guest(chain, 'its guest, from the repository (target: 1.3)')],
    rounds,
  );
  printTable('A guest starts (Linux, without KVM)', rows, local);
  for (const { id } of [chain, copy]) await work.sendense('boot', 'stop', id, '--yes');
}
