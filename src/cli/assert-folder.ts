import { SendenseError } from '../errors/sendense-error.ts';

/** `vspere:vcenter1` is a mistake in the kind of target, not a folder of that name. @throws SendenseError `usage` */
export function assertFolder(flag: string, text: string): void {
  const kind = /^[A-Za-z][\w+.-]*(?=:)/.exec(text)?.[0];
  if (kind === undefined) return;
  throw new SendenseError('usage', `${flag} ${text}: there is no kind of target ${kind} here`, {
    remedy: `If you mean a folder of that name, write \`./${text}\`. \`--help\` of the command says what it takes.`,
  });
}
