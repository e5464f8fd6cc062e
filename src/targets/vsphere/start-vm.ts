import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { RestorePowered } from '../../schemas/types.ts';
import type { TargetHub } from '../target-hub.ts';
import type { Told, ToldVm, VmStarting } from '../target-kind.ts';
import { askedNode, publishedVm, soon, type AskedNode, type PublishedVm, type VmClaim } from './published-by-node.ts';
import { noMachine } from './write-vm.ts';

/** One question to the node, s: a cancel, and the watch over steps that stall, need not wait for longer. */
const waitSeconds = 10;
/** Where vSphere cannot be asked, ms. */
const pauseMs = 2000;

interface Starting {
  readonly hub: TargetHub;
  readonly node: AskedNode;
  readonly machine: PublishedVm;
  remember(name: string, value: unknown): void;
}

interface Judged extends Starting {
  /** Before this run told it to start. */
  readonly wasOn: boolean;
}

/** A VM that a restore has finished in vSphere: a node starts it there, and asks whether VMware Tools run in its guest. */
export const vmStarting = (hub: TargetHub): VmStarting<VmClaim> => ({
  claim: (machine) => ({ machine: 'vm' in machine ? publishedVm(machine) : null }),

  async start({ machine }, { log, remember }): Promise<ToldVm> {
    if (machine === null) throw noMachine();
    const starting: Starting = { hub, machine, remember, node: await askedNode(hub, machine) };
    const failed = (error: unknown): never => {
      hub.signal.throwIfAborted();
      throw notStarted(machine, toSendenseError(error));
    };
    // Asked apart: of a start whose answer is lost, the second answer says that the VM was on.
    const { state } = await power(starting, 'wait').catch(failed);
    remember('asked', true);
    const wasOn = state === 'on';
    const first = await power(starting, 'start', waitSeconds).catch((error: unknown) => {
      const cause = toSendenseError(error);
      return passing.includes(cause.code) ? cause : failed(cause);
    });
    if (wasOn) log(`${machine.name} was on already`);
    return {
      untilUp: (timeoutMs, alive) => untilUp({ ...starting, wasOn }, first, timeoutMs, alive),
      [Symbol.asyncDispose]: async () => undefined,
    };
  },

  async undoStart({ machine }, { asked, judged }) {
    if (machine === null || asked !== true || judged === true) return;
    const which = `the VM ${machine.name} (${machine.vm}) in vSphere`;
    const seen = await soon(hub, machine, (node) => power({ node, machine }, 'wait'));
    if (seen === null)
      hub.warn(`${which} is restored. The run began to start it, and nobody knows whether it is on: look in vSphere`);
    else if (seen.state === 'on')
      hub.warn(`${which} is restored and was started. It stays on, and nobody has waited until it was up`);
    else if (seen.state === 'off') hub.warn(`${which} is restored. The run began to start it, and it is off`);
  },
});

const power = (
  { node: { client, source, login, signal }, machine: { run, vm } }: Pick<Starting, 'node' | 'machine'>,
  action: 'start' | 'wait' | 'stop',
  seconds = 0,
): Promise<RestorePowered> => client.powerRestore({ source, ...login, run, vm, action, wait_seconds: seconds }, signal);

const notStarted = ({ name }: PublishedVm, cause: SendenseError): SendenseError =>
  new SendenseError('start.failed', `vSphere did not start the VM ${name}: ${cause.message}`, {
    cause,
    remedy: 'What was restored is whole. Correct that, and start the VM in vSphere.',
  });

/** @param first how it is, or why vSphere does not tell what became of the start */
async function untilUp(
  starting: Judged,
  first: RestorePowered | SendenseError,
  timeoutMs: number,
  alive: () => void,
): Promise<Told> {
  const { hub, remember } = starting;
  const end = performance.now() + timeoutMs;
  const doubt = first instanceof SendenseError ? first.message : null;
  let seen = first instanceof SendenseError ? null : first;
  let silent = doubt;
  if (doubt !== null) hub.log(`${doubt}; asking`);
  for (;;) {
    const left = end - performance.now();
    // Where the start was in doubt, what vSphere said of that is why it is off.
    const isOff = seen?.state === 'off' && doubt !== null ? `it is off: ${doubt}` : null;
    const late = left > 0 || seen?.tools ? null : lateText(timeoutMs / 1000, silent);
    const problem = isOff ?? (seen && problemOf(seen)) ?? late;
    if (problem !== null) {
      const remedy = await stopped(starting, seen);
      remember('judged', true);
      return { sign: null, problem, remedy };
    }
    if (seen?.tools) {
      if (seen.address !== null) hub.log(`its guest has the address ${seen.address}`);
      remember('judged', true);
      return { sign: 'tools', problem: null };
    }
    alive();
    try {
      seen = await power(starting, 'wait', Math.min(waitSeconds, Math.max(0, left) / 1000));
      silent = null;
    } catch (error) {
      hub.signal.throwIfAborted();
      const { code, message } = toSendenseError(error);
      if (!passing.includes(code)) throw error;
      if (silent === null) hub.log(`${message}; asking again`);
      silent = message;
      await delay(Math.min(pauseMs, Math.max(0, left)), undefined, { signal: hub.signal }).catch(() =>
        hub.signal.throwIfAborted(),
      );
    }
  }
}

/** @param silent why vSphere could not be asked at last; null: it was */
const lateText = (seconds: number, silent: string | null): string =>
  silent === null
    ? `VMware Tools did not run within ${seconds} s`
    : `vSphere did not tell within ${seconds} s: ${silent}`;

/** What waiting helps against. */
const passing: readonly string[] = ['vsphere.unreachable', 'vsphere.busy'];

/** Why it will not come up; null: it may. */
function problemOf({ state, question }: RestorePowered): string | null {
  if (question !== null) return `it asks, and waits for an answer: ${question}`;
  if (state === 'off') return 'it is off again';
  if (state === 'suspended') return 'it is suspended';
  if (state === 'gone') return 'it is not there any more';
  return state === 'other' ? 'it is not marked as one that this run has restored' : null;
}

/** Switches it off, where this run has switched it on. @param seen null: nobody knows @returns what to do */
async function stopped(starting: Judged, seen: RestorePowered | null): Promise<string> {
  const { hub, machine, wasOn } = starting;
  if (seen?.state === 'gone') return 'Somebody has deleted it. Run the restore again: it makes the VM anew.';
  const { whole, look } = remedies;
  if (seen?.state === 'other' || wasOn) return `${whole} It was not powered off: this run has not started it. ${look}`;
  if (seen === null) return `${whole} Nobody knows whether it starts. ${look}`;
  const failed = seen.state === 'off' ? null : await power(starting, 'stop').then(() => null, toSendenseError);
  hub.signal.throwIfAborted();
  if (failed !== null) return `${whole} vSphere did not power it off again: ${failed.message}. ${look}`;
  return `${whole} The VM ${machine.name} is off. Start it in vSphere and look at its console. If it only takes long, give it more time: \`start: { timeout: 30m }\` in a plan.`;
}

const remedies = { whole: 'What was restored is whole.', look: 'Look at its console in vSphere.' };
