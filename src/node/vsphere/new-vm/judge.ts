import { SendenseError } from '../../../errors/sendense-error.ts';

/** Keys of the IDE controllers, which every VM has. */
export const isIde = (key: number): boolean => key === 200 || key === 201;

export const isWhole = (value: number, from: number, to: number): boolean =>
  Number.isSafeInteger(value) && value >= from && value <= to;

/** Without what a terminal or XML cannot show. */
export const cleaned = (text: string): string => text.replaceAll(/[^\P{C}\n\t]/gu, '');

/** Of a device, for messages. */
export const labelOf = (label: string): string => cleaned(label).replaceAll('\n', ' ').slice(0, 80);

export const quoted = (text: string): string => JSON.stringify(cleaned(text).slice(0, 200));

export const unfit = (what: string, more: { readonly remedy?: string } = {}): SendenseError =>
  new SendenseError('target.unfit', `the saved configuration cannot become a VM: ${what}`, more);
