import { SendenseError } from '../errors/sendense-error.ts';

/** `vspere:vcenter1` is a mistake, not a folder of that name. @throws SendenseError `usage` */
export function assertFolder(flag: string, text: string): void {
  const kind = /^[A-Za-z][\w+.-]*(?=:)/.exec(text)?.[0];
  if (kind === undefined) return;
  throw new SendenseError('usage', `${flag} ${text}: there is no kind of target ${kind}`, {
    remedy: `If you mean a folder of that name, write \`./${text}\`. \`sendense-run restore --help\` lists the kinds of targets.`,
  });
}
