import type { Parameter } from './route.ts';

/** A parameter that is on or off: `yes` or `no`, or another word for them. */
export const flag = (description: string): Parameter => ({ description, schema: 'domain.json#/$defs/flag' });

const on: ReadonlySet<string> = new Set(['yes', 'true', '1']);

/** Whether it is on. @param text one that its schema allows @param usual where the request does not say */
export const isOn = (text: string | undefined, usual = false): boolean => (text === undefined ? usual : on.has(text));
