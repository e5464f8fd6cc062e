import { SendenseError } from '../errors/sendense-error.ts';
import { notReadable, type LeftOutPoint } from '../restore-points/choose/left-out.ts';
import type { Hub, ListLine } from '../hub/hub.ts';
import { shellWord } from '../view/text.ts';
import { importHint, linesFor, targetIn, unknownName } from './find-target.ts';
import { pointChoice } from './point-option.ts';

export interface WantedPoint {
  /** The VM; undefined: the only one. */
  readonly name: string | undefined;
  /** What was written after `--point`. */
  readonly words: string;
  readonly repository: string | undefined;
  /** The option that names the repository, where several have the VM. */
  readonly repositoryOption?: '--repository' | '--from';
  readonly rescued?: string | undefined;
}

/**
 * The one restore point of a VM that `--point` means.
 * @throws SendenseError `usage`, `point.unknown`, `vm.identity`, `chain.damaged`
 */
export async function findPoint(
  hub: Hub,
  { name, words, repository, repositoryOption = '--repository', rescued }: WantedPoint,
): Promise<{ readonly point: string; readonly repository: string }> {
  const choice = pointChoice(words);
  const lines = await linesFor(hub, name, repository);
  const vm = name ?? onlyVm(lines, rescued, hub.leftOut(undefined));
  const target = targetIn(lines, vm);
  if (!target) throw notReadable(hub.leftOut(undefined), vm) ?? unknownName(lines, vm, 'no VM', rescued);
  if ('point' in target) throw alreadyPoint(target.point);
  const having = [...new Set(lines.filter((line) => line.vm === vm).map((line) => line.repository))];
  const [only = '', ...others] = having;
  if (others.length > 0)
    throw new SendenseError('usage', `${vm} is in ${having.join(' and ')}: say ${repositoryOption}`);
  const { backup_id: point } = await hub.choose({ vm, repository: only, choice });
  return { point, repository: only };
}

export const alreadyPoint = (point: string): SendenseError =>
  new SendenseError('usage', `${point} is a restore point already; --point is for a VM`);

/** Of hundreds a few are enough to see what is there. */
const mostNamed = 8;

/** The VM that is meant where none is named. @throws SendenseError `usage`, `point.unknown` */
export function onlyVm(
  points: readonly ListLine[],
  rescued: string | undefined,
  leftOut: readonly LeftOutPoint[] = [],
): string {
  const vms = [...new Set(points.map(({ vm }) => vm))];
  if (vms.length === 1 && vms[0] !== undefined) return vms[0];
  const from = rescued === undefined ? '' : ` --repository ${rescued}`;
  const unreadable = vms.length === 0 ? notReadable(leftOut, leftOut[0]?.context ?? '') : null;
  if (unreadable) throw unreadable;
  if (vms.length === 0)
    throw new SendenseError('point.unknown', 'there are no restore points yet', {
      remedy:
        rescued === undefined
          ? `Run a backup plan: \`sendense-run PLAN\`. ${importHint}`
          : 'Check that you named the right repository.',
    });
  const more = vms.length > mostNamed ? `, and ${vms.length - mostNamed} more` : '';
  throw new SendenseError('usage', `say which VM: ${vms.slice(0, mostNamed).join(', ')}${more}`, {
    remedy: `For example \`sendense-run show ${shellWord(vms[0] ?? '')}${from}\`; \`sendense-run list${from}\` shows all.`,
  });
}
