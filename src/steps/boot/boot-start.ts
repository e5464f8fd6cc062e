import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { bootedGuest, type BootedGuest } from '../../boot/booted-guest.ts';
import { bootNetworkOf } from '../../boot/boot-machine.ts';
import { knownBoot } from '../../boot/claim.ts';
import { startBoot } from '../../boot/start-boot.ts';
import { watchBoots } from '../../boot/watch-boots.ts';
import type { StepContext } from '../../engine/step.ts';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { qemuSystem } from '../../host/images/qemu-system.ts';
import { requireTools } from '../../host/programs/tools.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import { selectPoint } from '../../restore-points/choose/select-point.ts';
import { keepPicture, pictureFile } from '../../restore-points/verify/keep-picture.ts';
import { watchGuest, type Signs } from '../../restore-points/verify/watch-guest.ts';
import type { BootStartInput, BootStartOutput, BootVm, DrilledVm } from '../../schemas/types.ts';
import { parseDuration } from '../../time/duration.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { endBoots } from './end-boots.ts';
import { inOrder, type Because } from './in-order.ts';

interface Claim {
  /** The network that the VMs share. */
  readonly group: string;
  /** Ids of the VMs, in the order of the plan. */
  readonly boots: readonly string[];
}

type Context = StepContext<Services>;

export const bootStart = defineStep<BootStartInput, Claim, BootStartOutput>({
  uses: 'boot.start',
  title: 'Start the VMs in their order',
  // What runs after a run that said so stays.
  leaves: 'result',
  claim: ({ vms }, { runId, stepId }) => ({
    group: `net-${hash('sha256', `${runId}/${stepId}`).slice(0, 8)}`,
    boots: vms.map(({ vm }) => `boot-${hash('sha256', `${runId}/${stepId}/${vm}`).slice(0, 8)}`),
  }),

  async plan({ services, signal }, { repository, vms }) {
    const notes: string[] = [];
    for (const one of vms) {
      const { output, remark } = await selectPoint(services, { ...selection(repository, one), verify: false }, signal);
      notes.push(`${one.vm}: from ${output.backup_id}, ${orderText(one)}${remark === null ? '' : `; ${remark}`}`);
    }
    return { effects: [], notes };
  },

  async run(context, input, claim) {
    await requireTools([qemuSystem], context.signal);
    // What another attempt has started.
    await endBoots(context.services, claim.boots);
    await using _watched = watching(context, claim.boots);
    const far = { done: 0, failed: 0 };
    const tell = ({ isUp, result }: Drilled): Drilled => {
      far.done++;
      if (!isUp) far.failed++;
      context.progress([], { ...far, total: input.vms.length, left_ms: null });
      context.log(lineOf(result));
      return { isUp, result };
    };
    const outcomes = await inOrder(
      input.vms.map((one, at) => ({
        ...one,
        after: one.after ?? [],
        id: claim.boots[at] ?? '',
        group: claim.group,
      })),
      { atOnce: input.atOnce ?? 1, stopAtFailure: input.onFailure === 'stop' },
      {
        start: async (one) => tell(await drill(context, input, one)),
        skip: ({ vm }, because) =>
          tell({ isUp: false, result: { ...nothing(vm), state: 'skipped', problem: becauseText(because) } }),
      },
    );
    context.signal.throwIfAborted();
    const vms = outcomes.map(({ result }) => result);
    return { vms, problems: problemsOf(vms) };
  },

  undo: ({ services }, { boots }) => endBoots(services, boots),
});

const becauseText = ({ vm, isBefore }: Because): string =>
  isBefore ? `${vm} is not up` : `${vm} is not up, and the plan stops then`;

const selection = (repository: string, { vm, point }: BootVm) => ({
  repository,
  vm: { name: vm },
  point: point ?? 'latest',
});

function orderText({ after = [], wait }: BootVm): string {
  const first = after.length === 0 ? '' : `after ${after.join(', ')}, `;
  return `${first}until ${signText(wait)}`;
}

function signText(wait: BootVm['wait']): string {
  const signs = [
    ...(wait?.serial ? [`its serial console says ${JSON.stringify(wait.serial.mark)}`] : []),
    ...(wait?.agent ? ['its guest agent answers'] : []),
    ...(wait?.time === undefined ? [] : [`${wait.time} have passed`]),
    ...(wait?.picture || !wait ? ['its picture stands still'] : []),
  ];
  return signs.join(' or ');
}

/** So often it is looked whether somebody looks after the VMs, ms. */
const betweenMs = 500;

/** Looks after the VMs as long as the step runs, unless another process does, which may end at any moment. */
function watching({ services, warn, log }: Context, own: readonly string[]): AsyncDisposable {
  const end = new AbortController();
  const { signal } = end;
  const tell = (id: string, message: string): void => (own.includes(id) ? warn : log)(`${id}: ${message}`);
  const watched = (async () => {
    while (!signal.aborted) {
      await watchBoots(services, { signal, log: tell });
      await delay(betweenMs, undefined, { signal });
    }
  })().catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      end.abort();
      await watched;
    },
  };
}

interface Drilled {
  readonly isUp: boolean;
  readonly result: DrilledVm;
}

const nothing = (vm: string): DrilledVm => ({
  vm,
  boot: null,
  backup_id: null,
  state: 'failed',
  sign: null,
  started: null,
  seconds: null,
  screenshot: null,
  problem: null,
});

type Wanted = BootVm & {
  readonly id: string;
  /** Whose network they share. */
  readonly group: string;
};

/** Starts one, waits for its sign. Never rejects: what goes wrong with one is told with it. */
async function drill(context: Context, input: BootStartInput, one: Wanted): Promise<Drilled> {
  const { signal, services } = context;
  let result = nothing(one.vm);
  try {
    await delay(parseDuration(one.delay ?? '0s'), undefined, { signal });
    context.log(`${one.vm} is started`);
    await start(context, input, one);
    const row = knownBoot(services.state, one.id);
    result = { ...result, boot: one.id, backup_id: row.backup_id, started: row.started };
    const began = performance.now();
    const seen = await untilUp(context, one, row.folder);
    const seconds = (performance.now() - began) / 1000;
    const screenshot = await pictureOf(context, row.folder, one.vm);
    result = { ...result, ...seen, seconds, screenshot, state: seen.problem === null ? 'up' : 'failed' };
  } catch (error) {
    result = { ...result, state: 'failed', problem: toSendenseError(error).message };
  }
  return { isUp: result.state === 'up', result };
}

/** @throws SendenseError as `startBoot` */
async function start(
  { services, signal, planName, warn }: Context,
  input: BootStartInput,
  { group, ...one }: Wanted,
): Promise<void> {
  const { network: said = 'isolated', mac, identity, accel = 'auto', reserve = '1GiB', quota } = input;
  const network = bootNetworkOf(said);
  if (network === null) throw new SendenseError('run.internal', `network ${said}`);
  const { remark } = await startBoot(services, {
    id: one.id,
    repository: input.repository,
    vm: one.vm,
    choice: one.point ?? 'latest',
    wanted: {
      ...(one.memory === undefined ? {} : { memoryBytes: sizeBytes(one.memory) }),
      ...(one.cpus === undefined ? {} : { cpus: one.cpus }),
      ...(one.firmware === undefined ? {} : { firmware: one.firmware }),
    },
    accel,
    // They reach each other.
    network: network === 'isolated' ? `group:${group}` : network,
    agent: one.wait?.agent ?? false,
    keepMac: mac === 'keep',
    keepIdentity: identity === 'keep',
    reserveBytes: sizeBytes(reserve),
    quotaBytes: quota == null ? null : sizeBytes(quota),
    by: `plan ${planName}`,
    signal,
  });
  if (remark !== null) warn(remark);
}

type Judged = Pick<DrilledVm, 'sign' | 'problem'>;

/** The first sign that comes, or why none did. */
async function untilUp(context: Context, { wait, timeout }: Wanted, folder: string): Promise<Judged> {
  const guest = await bootedGuest({ folder });
  if (guest === null) return { sign: null, problem: 'it has ended' };
  const given = new AbortController();
  const signal = AbortSignal.any([context.signal, given.signal]);
  const signs: Signs = {
    serial: wait?.serial?.mark ?? null,
    agent: wait?.agent ?? false,
    stillMs: wait?.picture || !wait ? parseDuration(wait?.picture?.still ?? '20s') : null,
  };
  const watched = watchGuest(guest, signs, {
    timeoutMs: parseDuration(timeout ?? '10m'),
    signal,
    alive: () => context.alive(),
  });
  if (wait?.time === undefined) return watched;
  const waited = afterTime(guest, parseDuration(wait.time), signal);
  try {
    return await Promise.race([watched, waited]);
  } finally {
    given.abort();
    await Promise.allSettled([watched, waited]);
  }
}

async function afterTime(guest: BootedGuest, ms: number, signal: AbortSignal): Promise<Judged> {
  await delay(ms, undefined, { signal });
  return guest.isRunning() ? { sign: 'time', problem: null } : { sign: null, problem: 'it shut itself down' };
}

/** Null where there is none: the guest has ended. */
async function pictureOf({ services, runId }: Context, folder: string, vm: string): Promise<string | null> {
  const guest = await bootedGuest({ folder });
  return guest && keepPicture(guest, pictureFile(services.state.path, runId, vm)).catch(() => null);
}

/** What is wrong with each VM that is not up. Those that were not started waited for one that failed: that is the cause, and comes first. */
export const problemsOf = (vms: readonly DrilledVm[]): string[] =>
  vms
    .filter(({ state }) => state !== 'up')
    .toSorted((a, b) => Number(a.state === 'skipped') - Number(b.state === 'skipped'))
    .map(lineOf);

function lineOf({ vm, state, backup_id: id, sign, seconds, problem }: DrilledVm): string {
  if (state === 'up') return `${vm} ${id} is up after ${Math.round(seconds ?? 0)} s (${sign})`;
  if (state === 'skipped') return `${vm} was not started: ${problem}`;
  return `${vm}${id === null ? '' : ` ${id}`} did not come up: ${problem}`;
}
