import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { processesOf } from '../node/support.ts';
import { leftovers } from './nothing-left.ts';
import { expectClean, expectFrozen, guestWorks, pgtest1, vsphereWorkspace } from './vsphere-workspace.ts';
import { disksOf, program } from './workspace.ts';
import { printedRandom } from '../support/random.ts';
import { rounds } from '../support/rounds.ts';

/** Every kill is followed by a whole run with all its proofs. */
const kills = rounds(3, 50);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

test(
  `kill -9 of hub and node, client, or both, ${kills} times at random moments: never a wrong restore point, never a snapshot left after the next run`,
  { timeout: 300_000 + kills * 25_000 },
  async () => {
    const numbers = printedRandom('kills');
    await using at = await vsphereWorkspace();
    const vm = await at.vcenter.addVm(pgtest1);
    await at.plan('plan.yaml', vm);
    const began = performance.now();
    expect((await at.run('plan.yaml')).finished.exit_code).toBe(0);
    const usualMs = performance.now() - began;
    const struck = { committed: 0, unfinished: 0 };
    for (let round = 0; round < kills; round++) {
      await guestWorks(vm, 6, numbers);
      const hub = spawn(process.execPath, [program, '--json', 'run', at.work.path('plan.yaml')], {
        cwd: at.work.folder,
        env: { ...process.env, ...at.vcenter.vddkEnvironment },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let said = '';
      hub.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      const ended = once(hub, 'close');
      await Promise.race([delay(numbers.part() * usualMs), ended]);
      const victims = ['hub', 'client', 'both'][round % 3];
      if (victims !== 'client') kill(hub.pid ?? 0);
      if (victims !== 'hub')
        for (const { pid, argv } of processesOf(at.work.folder))
          if (argv.join(' ').includes('sendense-backup-client')) kill(pid);
      await ended;
      if (said.includes('"run.finished"')) struck.committed++;
      else struck.unfinished++;

      const next = await at.run('plan.yaml');
      const told = JSON.stringify(next.finished);
      expect(next.finished, told).toMatchObject({ status: 'succeeded', exit_code: 0 });
      expect(
        disksOf(next).map(({ mode }) => mode),
        told,
      ).toEqual(['incremental', 'incremental']);
      await expectFrozen(at, vm, next);
      await expectClean(vm);
      // What watches over a program of a client that was killed waits until it has had its time to close.
      await vi.waitFor(() => expect(leftovers(at.work.folder), `round ${round}, ${victims}`).toEqual([]), {
        timeout: 300_000,
        interval: 200,
      });
    }
    expect((await at.work.call(['check'])).exitCode).toBe(0);
    console.log(
      `killed ${kills} times: ${struck.unfinished} runs were cut off, ${struck.committed} ended by themselves`,
    );
  },
);
