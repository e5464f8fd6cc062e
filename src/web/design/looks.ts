import type { HubTrouble, HubVm } from '../../schemas/types.ts';
import type { Look } from './status-mark.tsx';

const good = (word: string): Look => ({ shape: 'check', tone: 'good', word });
const warn = (word: string): Look => ({ shape: 'triangle', tone: 'warn', word });
const bad = (word: string): Look => ({ shape: 'cross', tone: 'bad', word });
const busy = (word: string): Look => ({ shape: 'arc', tone: 'busy', word });
const idle = (word: string): Look => ({ shape: 'dot', tone: 'idle', word });

/** How a VM is protected. */
export const vmLooks: Readonly<Record<HubVm['state'], Look>> = {
  protected: good('protected'),
  late: warn('late'),
  failing: bad('failing'),
  never: { shape: 'ring', tone: 'bad', word: 'no backup yet' },
  paused: { shape: 'bars', tone: 'warn', word: 'paused' },
  clock: { shape: 'clock', tone: 'warn', word: 'in the future' },
  unplanned: idle('no plan'),
};

/** The worst first. */
export const severity: readonly HubVm['state'][] = [
  'failing',
  'never',
  'late',
  'clock',
  'paused',
  'protected',
  'unplanned',
];

/** What is wrong. */
export const troubleLooks: Readonly<Record<HubTrouble['kind'], Look>> = {
  'failed': bad('failed'),
  'late': warn('late'),
  'never': { shape: 'ring', tone: 'bad', word: 'no backup yet' },
  'missed': { shape: 'clock', tone: 'warn', word: 'missed' },
  'damaged': bad('damaged'),
  'invalid': bad('plan not valid'),
  'gone': bad('plan gone'),
  'clock': { shape: 'clock', tone: 'warn', word: 'clock' },
  'disconnected': bad('disconnected'),
  'full': warn('nearly full'),
  'left-behind': warn('left behind'),
  'unread': warn('not read again'),
  'channel': warn('notices'),
  'stuck': warn('prune is stuck'),
  'daemon': bad('no daemon'),
};

/** How it goes with a plan. */
export const planLooks = {
  ok: good('goes well'),
  late: warn('late'),
  failing: bad('failing'),
  never: { shape: 'ring', tone: 'bad', word: 'no success yet' },
  running: busy('running'),
  paused: { shape: 'bars', tone: 'warn', word: 'paused' },
  clock: { shape: 'clock', tone: 'warn', word: 'in the future' },
  gone: bad('file is gone'),
  invalid: bad('not valid'),
  new: idle('did not run yet'),
} as const satisfies Readonly<Record<string, Look>>;

const runLooks: Readonly<Record<string, Look>> = {
  running: busy('running'),
  waiting: { shape: 'bars', tone: 'idle', word: 'waiting' },
  succeeded: good('succeeded'),
  failed: bad('failed'),
  crashed: bad('crashed'),
  cancelled: { shape: 'slash', tone: 'idle', word: 'cancelled' },
};

/** How a run went, or goes. */
export function runLook(status: string, warnings = 0): Look {
  const look = runLooks[status] ?? idle(status);
  return status === 'succeeded' && warnings > 0 ? warn('with warnings') : look;
}

const stepLooks: Readonly<Record<string, Look>> = {
  started: busy('running'),
  succeeded: good('succeeded'),
  failed: bad('failed'),
  undo_started: busy('undoing'),
  undo_finished: { shape: 'slash', tone: 'idle', word: 'undone' },
  undo_failed: bad('undo failed'),
};

/** How a step went, by its state in the journal; one that a run that has ended left behind was cut off. @param error why it failed */
export function stepLook(state: string, runs: boolean, error: string | null): Look {
  if (state === 'started' && !runs) return { shape: 'slash', tone: 'idle', word: 'cut off' };
  if (state === 'undo_finished' && error !== null)
    return error === 'run.cancelled'
      ? { shape: 'slash', tone: 'idle', word: 'cancelled, undone' }
      : bad('failed, undone');
  return stepLooks[state] ?? idle(state);
}
