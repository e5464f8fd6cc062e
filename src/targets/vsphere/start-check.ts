import { SendenseError } from '../../errors/sendense-error.ts';
import type { VmConfig } from '../../schemas/types.ts';
import type { ToOf } from '../target-kind.ts';

type Starts = Pick<ToOf<'vsphere'> | ToOf<'inPlace'>, 'powerOn' | 'start'>;

/** Whether it is started at the end, and stopped again if it does not come up. */
export const isJudged = ({ start }: Starts): boolean => start !== false;

/** Whether it is started, and nobody waits for it. */
export const isStartedBlindly = (to: Starts): boolean => to.powerOn && !isJudged(to);

export const isStarted = (to: Starts): boolean => to.powerOn || isJudged(to);

/** What a dry-run says. */
export const startedText = (to: Starts): string =>
  isJudged(to)
    ? 'started at the end, and powered off again if VMware Tools do not come'
    : isStarted(to)
      ? 'started at the end'
      : 'not started';

/** vSphere keeps here which version of VMware Tools it has seen in the guest. */
const seenVersion = 'vmware.tools.internalversion';

/**
 * A guest in which VMware Tools never ran cannot be seen to come up. Without the key nobody knows.
 * @throws SendenseError `target.unfit`
 */
export function assertTools({ name, extra_config: extra }: Pick<VmConfig, 'name' | 'extra_config'>): void {
  const version = extra.find(({ key }) => key.toLowerCase() === seenVersion)?.value.trim();
  if (version !== '0' && version !== '-1') return;
  throw new SendenseError(
    'target.unfit',
    `nothing would tell whether the VM comes up: its saved configuration says that VMware Tools have never run in ${name} (${seenVersion} is ${version})`,
    { remedy: 'Start it without waiting for it: `powerOn: true` (--power-on) in place of `start` (--start).' },
  );
}
