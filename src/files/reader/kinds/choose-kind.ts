import { join } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { isProgram } from '../../../host/programs/bound-words.ts';
import { readerKinds } from './index.ts';
import type { ReaderKind, Requirement } from './kind.ts';

/** The sandbox has the system's programs and looks for them in these folders. */
const folders = ['/usr/sbin', '/usr/bin'];

export const isThere = ({ program }: Requirement): boolean =>
  folders.some((folder) => isProgram(join(folder, program)));

/** What has to be there before this kind reads anything, and is not. */
export const missingOf = ({ needs }: ReaderKind): readonly Requirement[] =>
  needs.filter((one) => one.without === null && !isThere(one));

/** What brings programs that are missing: Debian's packages, and elsewhere the programs, whose packages have other names. */
export const remedyFor = (missing: readonly Requirement[]): string =>
  isProgram('/usr/bin/apt-get')
    ? `apt install ${[...new Set(missing.map((one) => one.package))].join(' ')}`
    : `Install the programs ${missing.map(({ program }) => program).join(', ')}.`;

export const toldMissing = (missing: readonly Requirement[]): string =>
  `${missing.map(({ program }) => program).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`;

/**
 * The way to read that a name means; without one those whose programs this machine has, the best one first.
 * @throws SendenseError `files.unavailable` where there is none
 */
export function kindsFor(name?: string): readonly [ReaderKind, ...ReaderKind[]] {
  const kinds = readerKinds.filter((kind) => name === undefined || kind.name === name);
  const [best, ...others] = kinds.filter((kind) => kind.unfit() === null && missingOf(kind).length === 0);
  if (best) return [best, ...others];
  const told = kinds.map((kind) => kind.unfit() ?? toldMissing(missingOf(kind)));
  const possible = kinds.find((kind) => kind.unfit() === null);
  const remedy = possible ? `${remedyFor(missingOf(possible))} ` : '';
  throw new SendenseError('files.unavailable', told.join('; ') || `there is no reader ${name}`, {
    remedy: `${remedy}\`sendense-run files doctor\` says more.`,
  });
}

/** The best of {@link kindsFor}. */
export const chooseKind = (name?: string): ReaderKind => kindsFor(name)[0];
