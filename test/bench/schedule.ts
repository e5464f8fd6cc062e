import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { openState } from '../../src/state/database/open-state.ts';
import { listSlots } from '../../src/state/schedules/schedule-slots.ts';

const program = join(import.meta.dirname, '../../dist/cli/sendense-run.js');
const plans = 10_000;

const rssOf = (pid: number): { now: number; peak: number } => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
};

/** Slots of each plan that lie behind it in the last row. */
const past = 100;

/**
 * 10,000 plans scheduled: memory of the daemon, and how late it decides about a slot. Also after a restart, which reads no
 * file, and after months, with a million slots in the database.
 */
export async function schedule(): Promise<void> {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'sendense-bench-'));
  try {
    writeFileSync(join(folder, 'sendense.yaml'), 'repositories: { primary: { path: ./repository } }\n');
    mkdirSync(join(folder, 'plans'));
    for (let index = 0; index < plans; index++) {
      // One is due every ten seconds, and pauses at once: what it costs to decide, not to run.
      const cron =
        index === 0 ? '*/10 * * * * *' : `${index % 60} ${index % 24} ${1 + (index % 28)} ${1 + (index % 12)} *`;
      writeFileSync(
        join(folder, `plans/p${index}.yaml`),
        `kind: backup\nname: p${index}\nvm: { name: vm${index}, source: { type: image, disks: [{ path: d${index}.raw }] } }\nrepository: primary\nschedule: { cron: "${cron}", timezone: Europe/London, blackout: [{ from: "00:00", to: "24:00" }] }\n`,
      );
    }
    await measure(folder, 'first start');
    await measure(folder, 'restart');
    addPast(join(folder, 'state/sendense.db'));
    await measure(folder, 'restart after months');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function addPast(path: string): void {
  using state = openState(path);
  state.run(
    state.query
      .insertInto('schedule_slots')
      .columns(['plan', 'slot', 'state', 'trigger', 'kind', 'repository', 'decided'])
      .expression(
        sql`WITH RECURSIVE day (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM day WHERE number < ${past})
          SELECT plan, since - number * 86400000, 'succeeded', 'schedule', 'backup', 'primary', since - number * 86400000
          FROM schedules, day WHERE true`,
      ),
  );
}

async function measure(folder: string, what: string): Promise<void> {
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [program, '--config', join(folder, 'sendense.yaml'), 'daemon', join(folder, 'plans')],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!said.includes('plans are scheduled')) {
    if (child.exitCode !== null) throw new Error(said);
    await delay(50);
  }
  const started = (performance.now() - begun) / 1000;
  await delay(35_000);
  const { now, peak } = rssOf(child.pid ?? 0);
  using state = openState(join(folder, 'state/sendense.db'));
  const late = listSlots(state, { plan: 'p0' }).map(({ slot, decided }) => decided - slot);
  child.kill('SIGTERM');
  await once(child, 'exit');
  const worst = Math.max(...late.slice(0, 3));
  console.log(
    `schedule, ${plans} plans, ${what}: ready in ${started.toFixed(1)} s, RSS ${now.toFixed(0)} MiB (peak ${peak.toFixed(0)}), slots decided at most ${worst} ms late`,
  );
}
