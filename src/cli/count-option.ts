import { SendenseError } from '../errors/sendense-error.ts';

/** A number of things of the command line. @throws SendenseError `usage` */
export function countOption(flag: string, value: unknown, most = 100_000): number {
  const count = /^[0-9]{1,9}$/.test(String(value)) ? Number(value) : 0;
  if (count >= 1 && count <= most) return count;
  throw new SendenseError('usage', `${flag} ${String(value)} is not a number from 1 to ${most}`);
}
