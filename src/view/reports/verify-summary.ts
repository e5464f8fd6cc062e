import type { PointsBootOutput, PointsFilesOutput, PointsVerifyOutput } from '../../schemas/types.ts';
import { formatBytes, plural } from '../format.ts';
import type { RunModel } from '../run/run-model.ts';
import type { Style } from '../style.ts';
import { labelled, printable, printableText } from '../text.ts';

/** So many lines at most of what is sound; all that is not is shown. */
const mostSound = 10;

/** What a verification found of each restore point, what is wrong last, where the eye is. */
export function verifyLines(model: RunModel, style: Style, columns: number): string[] {
  const outputOf = (uses: string): unknown =>
    [...model.steps.values()].find((step) => step.uses === uses && step.state === 'succeeded')?.output;
  const verified = outputOf('points.verify') as PointsVerifyOutput | undefined;
  if (!verified) return [];
  const { booted = [] } = (outputOf('points.boot') as PointsBootOutput | undefined) ?? {};
  const { opened = [] } = (outputOf('points.files') as PointsFilesOutput | undefined) ?? {};
  const sound = verified.results.filter(({ ok }) => ok);
  const name = (entry: { vm: string; backup_id: string }): string => printable(`${entry.vm} ${entry.backup_id}`);
  const good = style.green(style.symbols.done);
  const bad = style.red(style.symbols.failed);
  return [
    ...sound.slice(0, mostSound).map((result) => `  ${good} ${style.cyan(name(result))}  sound`),
    ...(sound.length > mostSound ? [`  ${good} ${plural(sound.length - mostSound, 'more restore point')} sound`] : []),
    ...booted
      .filter(({ ok }) => ok)
      .map((boot) => `  ${good} ${style.cyan(name(boot))}  booted in ${Math.round(boot.seconds)} s (${boot.sign})`),
    ...opened.filter(({ ok }) => ok).map((files) => `  ${good} ${style.cyan(name(files))}  ${readText(files)}`),
    ...verified.results
      .filter(({ ok }) => !ok)
      .flatMap((result) => [
        `  ${bad} ${style.cyan(name(result))}  ${style.red(result.broken ? 'broken' : 'not sound')}`,
        ...[...result.problems, ...result.remarks].flatMap((text) => labelled('      ', printableText(text), columns)),
        ...(result.dependents.length > 0
          ? labelled('      ', `built on it: ${printable(result.dependents.join(', '))}`, columns)
          : []),
      ]),
    ...booted
      .filter(({ ok }) => !ok)
      .flatMap((boot) => [
        `  ${bad} ${style.cyan(name(boot))}  ${style.red('did not boot')}`,
        ...labelled('      ', printableText(boot.problem ?? ''), columns),
      ]),
    ...opened
      .filter(({ ok }) => !ok)
      .flatMap((files) => [
        `  ${bad} ${style.cyan(name(files))}  ${style.red('files cannot be read as they should')}`,
        ...files.problems.flatMap((text) => labelled('      ', printableText(text), columns)),
      ]),
    '',
    `  read    ${formatBytes(verified.bytes_read)} of ${plural(verified.verified, 'restore point')}`,
  ];
}

function readText({ volumes, checked, remarks }: PointsFilesOutput['opened'][number]): string {
  const what = volumes.length === 0 ? ['no file system opened'] : [`opened ${printable(volumes.join(', '))}`];
  if (checked > 0) what.push(`${plural(checked, 'file')} as expected`);
  if (remarks.length > 0) what.push(printable(remarks.join(', ')));
  return what.join('; ');
}
