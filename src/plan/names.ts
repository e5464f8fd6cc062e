import { schemaOf } from '../schemas/validator.ts';

/** Letters of the longest name that `schemas/common.json` allows. */
const longest = 63;

let pattern: RegExp | undefined;

/** Whether a text may be the name of a plan, a source, a credential: as the schema has it. */
export function isName(text: string): boolean {
  if (!pattern) {
    const { name } = schemaOf('common.json')['$defs'] as { name: { pattern: string } };
    pattern = new RegExp(name.pattern);
  }
  return pattern.test(text);
}

/** The nearest name to a text, with room for what will be added; empty where no letter or digit is left. */
export const nameFrom = (text: string, room = 0): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, longest - room)
    .replace(/[^A-Za-z0-9]+$/, '');

/** What is looked up by names that people choose: `constructor` is found only where somebody has written it. */
export const byName = <T>(...parts: readonly Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.assign(Object.create(null) as Record<string, T>, ...parts) as Record<string, T>;
