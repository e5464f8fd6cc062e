import { didYouMean } from '../errors/findings/did-you-mean.ts';
import { SendenseError } from '../errors/sendense-error.ts';

export const noVm = (source: string, wanted: string, known: readonly string[]): SendenseError =>
  new SendenseError('source.missing', `source ${source} has no VM ${wanted}${meant(wanted, known)}`, {
    remedy: `See \`sendense-run discover ${source}\`.`,
  });

/** `; did you mean NAME?`, where one of the names is near. */
export function meant(wanted: string, known: readonly string[]): string {
  const near = didYouMean(wanted, known);
  return near === null ? '' : `; did you mean ${near}?`;
}
