import { execa } from 'execa';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPortFree } from '../../src/host/net/port-probe.ts';
import { serveNbd } from '../../src/host/nbd/qemu-nbd.ts';
import { createQcow2 } from '../../src/host/images/qemu-img.ts';
import { isRunning, thisProcess } from '../../src/host/programs/process-identity.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { allocatePorts, releasePorts } from '../../src/state/runs/port-leases.ts';
import { fixture, plan, program } from './fixture.ts';
import { compete, median, printTable } from './measure.ts';

const MiB = 1024 * 1024;

/** Validation of one plan and of 500, from command to exit. */
export async function validate(rounds: number): Promise<void> {
  await using work = await fixture(MiB);
  await writeFile(work.path('one.yaml'), plan('one'));
  await mkdir(work.path('many'));
  for (let index = 0; index < 500; index++)
    await writeFile(work.path('many', `plan-${index}.yaml`), plan(`vm${index}`));
  const rows = await compete(
    [
      { name: 'node alone, an empty program', run: async () => void (await execa(process.execPath, ['-e', '0'])) },
      {
        name: 'validate one plan (target: 0.3 s)',
        run: async () => void (await work.sendense('validate', 'one.yaml')),
      },
      { name: 'validate 500 plans (target: 3 s)', run: async () => void (await work.sendense('validate', 'many')) },
    ],
    Math.max(rounds, 5),
  );
  printTable('Validation, from command to exit', rows);
}

/** One port leased and given back, and qemu-nbd from start to accepting. Milliseconds. */
export async function starts(rounds: number): Promise<void> {
  await using work = await fixture(MiB);
  using state = openState(work.path('state.db'));
  const journal = createJournal(state, isRunning);
  journal.startRun({
    id: 'bench',
    plan: 'bench',
    kind: 'backup',
    vm: 'bench',
    planFile: '',
    planFolder: '',
    owner: thisProcess(),
    started: Date.now(),
    lock: null,
  });
  const leases: number[] = [];
  for (let index = 0; index < 50; index++) {
    const started = performance.now();
    await allocatePorts(state, {
      count: 1,
      from: 10100,
      to: 10200,
      owner: { runId: 'bench', stepId: 'ports' },
      isFree: isPortFree,
    });
    leases.push(performance.now() - started);
  }
  releasePorts(state, 'bench');
  await createQcow2(work.path('t.qcow2'), 8 * 1024 * MiB, null);
  const ready: number[] = [];
  for (let index = 0; index < Math.max(rounds * 5, 10); index++) {
    const started = performance.now();
    await using _server = await serveNbd({
      file: work.path('t.qcow2'),
      format: 'qcow2',
      readOnly: false,
      listen: { socket: join(work.folder, `s${index}`) },
      exportName: 'd',
      pidFile: work.path(`p${index}`),
    });
    ready.push(performance.now() - started);
  }
  console.log('\nStarts, milliseconds');
  console.log(
    `  port lease, committed (target: 5)        median ${median(leases).toFixed(2)}   worst ${Math.max(...leases).toFixed(2)}`,
  );
  console.log(
    `  qemu-nbd until it accepts (target: 100)  median ${median(ready).toFixed(1)}   worst ${Math.max(...ready).toFixed(1)}`,
  );
}

/** Peak memory of the hub process during a full and an incremental by digest. */
export async function memory(bytes: number): Promise<void> {
  await using work = await fixture(bytes);
  await writeFile(work.path('plan.yaml'), plan('bench'));
  console.log('\nPeak memory of sendense-run (target: 150 MB)');
  for (const name of ['full', 'incremental']) {
    const { stderr } = await execa('python3', ['-c', peak, program, 'run', 'plan.yaml', '--quiet'], {
      cwd: work.folder,
    });
    console.log(`  ${name.padEnd(12)} ${(Number(stderr.trim().split('\n').at(-1)) / 1024).toFixed(0)} MB`);
  }
  await rm(work.path('repository'), { recursive: true, force: true });
}

/** ru_maxrss of all children is that of the largest one alone; so the hub's own VmHWM is read while it runs. */
const peak = `
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:])
worst = 0
while child.poll() is None:
    try:
        for line in open(f'/proc/{child.pid}/status'):
            if line.startswith('VmHWM'): worst = max(worst, int(line.split()[1]))
    except OSError: pass
    time.sleep(0.02)
print(worst, file=sys.stderr)
sys.exit(child.returncode)
`;
