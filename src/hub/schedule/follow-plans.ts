import { dirname } from 'node:path';
import { watchFolders } from '../../host/files/watch-folders.ts';
import type { State } from '../../state/database/open-state.ts';
import type { HubLog } from '../hub-log.ts';
import type { FollowedSettings } from './follow-settings.ts';
import type { Patience } from './patience.ts';
import { createPlanRegister } from './plan-register.ts';
import type { Scheduler } from './scheduler.ts';
import { tellOnce } from './tell-once.ts';

export interface FollowedPlans extends Disposable {
  /** Reads settings and plans again, after a look that goes on. Never rejects. */
  reread(): Promise<void>;
}

export interface FollowPlansOptions {
  readonly state: State;
  /** Absolute: the plans. */
  readonly folder: string;
  readonly settingsFile: string;
  readonly settings: FollowedSettings;
  readonly patience: Patience;
  readonly scheduler: Pick<Scheduler, 'put' | 'drop' | 'counts'>;
  readonly log: HubLog;
  /** Then nothing is read any more. */
  isStopped(): boolean;
  /** Plans came, went, or have another text. */
  onChange(): void;
}

/** Keeps the schedule as the files say: looks when one changes, and again soon while one of them is wrong. */
export function followPlans(options: FollowPlansOptions): FollowedPlans {
  const { state, folder, settingsFile, settings, patience, scheduler, log, isStopped, onChange } = options;
  const trouble = tellOnce(state, log, {
    file: folder,
    code: 'file.unreadable',
    meaning: 'plans could not be read; those known stay in force',
  });
  const register = createPlanRegister({ state, folder, now: Date.now, log });
  const watch = watchFolders(() => void reread());
  let lookAgain: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();
  const reread = (): Promise<void> => (reading = reading.then(read));
  const lookAgainIn = (ms: number | null): void => {
    clearTimeout(lookAgain);
    if (ms !== null && !isStopped()) lookAgain = setTimeout(() => void reread(), ms);
  };

  async function read(): Promise<void> {
    if (isStopped()) return;
    try {
      await settings.read({ final: false });
      const { put, drop, folders, againMs } = await register.scan(settings.current(), settings.mark());
      patience.over(folder);
      trouble.over();
      for (const plan of drop) scheduler.drop(plan);
      for (const { plan, facts, since } of put) scheduler.put(plan, facts, since);
      watch.watch([...folders, dirname(settingsFile)]);
      lookAgainIn(againMs ?? patience.againMs());
      if (put.length > 0 || drop.length > 0) {
        log.info({ plans: scheduler.counts().plans, changed: put.length, removed: drop.length }, 'plans read');
        onChange();
      }
    } catch (error) {
      if (patience.lasted(folder)) trouble.tell((error as Error).message);
      lookAgainIn(patience.againMs());
    }
  }

  return {
    reread,
    [Symbol.dispose]: () => {
      clearTimeout(lookAgain);
      watch[Symbol.dispose]();
    },
  };
}
