import { stat, statfs } from 'node:fs/promises';
import { within } from '../../host/system/within.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import { findRepository } from '../../repository/open-repository.ts';
import { ageMs } from '../../schemas/age-ms.ts';
import type { Settings } from '../../schemas/types.ts';
import { version } from '../../schemas/package.ts';
import { lastRuns, vmFigures, type LastRun, type VmFigures } from '../../state/runs/figures.ts';
import { inFuture } from '../../state/database/in-future.ts';
import type { State } from '../../state/database/open-state.ts';
import { rereadState } from '../../state/points/reread-state.ts';
import { listLeases } from '../../state/runs/port-leases.ts';
import { channelsFailing, slotsWaiting, undelivered } from '../../state/runs/queue-figures.ts';
import { countOpenRuns } from '../../state/runs/runs.ts';
import { listUpkeep } from '../../state/database/upkeep.ts';
import { rereadWithinMs } from '../../restore-points/verify/reread.ts';
import { planHealth } from '../describe/plan-health.ts';
import type { FamilyName, Sample } from './families.ts';

export interface FiguresParts {
  readonly state: State;
  readonly settings: Settings;
  repositoryPath(name: string): string;
}

/** Plans with their VMs, and VMs, that have figures at most: a hub of that many is watched, one of more tells so. */
const mostSeries = 5000;
/** How long a file system may take to answer; one that is away (NFS) does not hold up the rest. */
const answerMs = 3000;

type Say = (name: FamilyName, value: number | null | undefined, labels?: Readonly<Record<string, string>>) => void;

/** Figures as they are now: from the state database, and of the file systems of repositories. */
export async function collectFigures({ state, settings, repositoryPath }: FiguresParts): Promise<Sample[]> {
  const now = Date.now();
  const samples: Sample[] = [];
  const say: Say = (name, value, labels = {}) => {
    if (value !== null && value !== undefined && Number.isFinite(value)) samples.push({ name, labels, value });
  };
  say('sendense_info', 1, { version });
  say('sendense_figures_timestamp_seconds', now / 1000);
  const runs = lastRuns(state, now - ageMs(settings.history.keepRuns));
  const vms = vmFigures(state, now);
  say('sendense_series_left_out', Math.max(0, runs.length - mostSeries) + Math.max(0, vms.length - mostSeries));
  for (const run of runs.slice(0, mostSeries)) sayRun(say, run);
  sayPlans(say, state, now);
  const ahead = inFuture(state, now);
  for (const what of ['success', 'slot', 'restore-point'] as const)
    say('sendense_in_future', ahead.filter((entry) => entry.what === what).length, { what });
  const seen = new Set<string>();
  for (const vm of vms.slice(0, mostSeries)) {
    // Two VMs of one name have folders of their own.
    const name = seen.has(`${vm.repository}\n${vm.vm}`) ? vm.context : vm.vm;
    seen.add(`${vm.repository}\n${name}`);
    sayVm(say, vm, { repository: vm.repository, vm: name });
  }
  await Promise.all(
    Object.entries(settings.repositories).map(async ([name, repository]) => {
      const own = vms.filter((vm) => vm.repository === name);
      const labels = { repository: name };
      say('sendense_repository_stored_bytes', sum(own, 'storedBytes'), labels);
      say('sendense_repository_points', sum(own, 'points'), labels);
      say('sendense_repository_min_free_bytes', sizeBytes(repository.minFree), labels);
      if (repository.quota !== undefined) say('sendense_repository_quota_bytes', sizeBytes(repository.quota), labels);
      const { late, oldest } = rereadState(state, name, { withinMs: rereadWithinMs(repository.rereadWithin), now });
      say('sendense_repository_oldest_read_timestamp_seconds', oldest === null ? null : seconds(oldest), labels);
      say('sendense_repository_late_points', late, labels);
      const space = await spaceOf(name, repositoryPath(name));
      say('sendense_repository_up', space ? 1 : 0, labels);
      say('sendense_repository_size_bytes', space?.size, labels);
      say('sendense_repository_free_bytes', space?.free, labels);
    }),
  );
  await sayHub(say, state, settings);
  return samples;
}

function sayRun(say: Say, run: LastRun): void {
  const labels = { plan: run.plan, vm: run.vm, kind: run.kind };
  say('sendense_plan_last_success_timestamp_seconds', seconds(run.lastSuccess), labels);
  say('sendense_plan_last_run_timestamp_seconds', seconds(run.finished), labels);
  say('sendense_plan_last_run_success', Number(run.status === 'succeeded'), labels);
  say('sendense_plan_last_run_exit_code', run.exitCode, labels);
  say('sendense_plan_last_run_warnings', run.warnings, labels);
  say('sendense_plan_last_run_duration_seconds', Math.max(0, run.finished - run.started) / 1000, labels);
  say('sendense_plan_last_run_transferred_bytes', run.bytes, labels);
  say('sendense_plan_last_run_read_bytes', run.read, labels);
  say('sendense_plan_last_run_sent_bytes', run.sent, labels);
  say('sendense_plan_last_run_stored_bytes', run.stored, labels);
}

function sayPlans(say: Say, state: State, now: number): void {
  for (const health of planHealth(state, now).slice(0, mostSeries)) {
    const labels = { plan: health.plan };
    say('sendense_plan_rpo_seconds', seconds(health.rpo_ms), labels);
    say('sendense_plan_rpo_breached', Number(health.late), labels);
    say('sendense_plan_failures', health.failures, labels);
    say('sendense_plan_missed_slots', health.missed_slots, labels);
    say('sendense_plan_paused', Number(health.paused !== null), labels);
  }
}

function sayVm(say: Say, vm: VmFigures, labels: Readonly<Record<string, string>>): void {
  say('sendense_vm_points', vm.points, labels);
  say('sendense_vm_protected_points', vm.protected, labels);
  say('sendense_vm_broken_points', vm.broken, labels);
  say('sendense_vm_unverified_points', vm.unverified, labels);
  say('sendense_vm_newest_point_timestamp_seconds', seconds(vm.newest), labels);
  say('sendense_vm_last_verification_timestamp_seconds', seconds(vm.lastVerified), labels);
  say('sendense_vm_chain_length', vm.chainLength, labels);
  say('sendense_vm_stored_bytes', vm.storedBytes, labels);
}

async function sayHub(say: Say, state: State, settings: Settings): Promise<void> {
  const open = countOpenRuns(state);
  for (const status of ['running', 'unwinding'] as const)
    say('sendense_runs_active', open.get(status) ?? 0, { status });
  say('sendense_slots_waiting', slotsWaiting(state));
  say('sendense_ports', settings.ports.to - settings.ports.from + 1);
  say('sendense_ports_leased', listLeases(state).length);
  const notices = undelivered(state);
  say('sendense_notice_deliveries', notices.waiting, { state: 'waiting' });
  say('sendense_notice_deliveries', notices.givenUp, { state: 'given-up' });
  for (const { name, failing } of channelsFailing(state))
    say('sendense_channel_failing', Number(failing), { channel: name });
  say('sendense_state_bytes', (await sizeOf(state.path)) + (await sizeOf(`${state.path}-wal`)));
  for (const { task, finished } of listUpkeep(state))
    say('sendense_upkeep_timestamp_seconds', seconds(finished), { task });
}

async function spaceOf(name: string, path: string): Promise<{ size: number; free: number } | null> {
  const asked = async (): Promise<{ size: number; free: number } | null> => {
    if (!(await findRepository(name, path))) return null;
    const { blocks, bavail, bsize } = await statfs(path);
    return { size: blocks * bsize, free: bavail * bsize };
  };
  try {
    return await within(asked(), answerMs);
  } catch {
    return null;
  }
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => null))?.size ?? 0;

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

const sum = (vms: readonly VmFigures[], what: 'points' | 'storedBytes'): number =>
  vms.reduce((total, vm) => total + vm[what], 0);
