import { SendenseError } from '../../errors/sendense-error.ts';

/** @param what as it is typed: `repo copy`, `verify --boot` */
export const atHub = (what: string, why: string): SendenseError =>
  new SendenseError('remote.at-hub', `\`sendense-run ${what}\` cannot be done over HTTP: ${why}`);
