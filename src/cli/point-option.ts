import { localZone, parsePoint } from '../plan/times/point-words.ts';
import type { PointChoice } from '../schemas/types.ts';
import type { OptionDefinition } from './command.ts';

/** `--point` of every command that takes one. @param more what it does there */
export const pointOption = (description: string, more: Partial<OptionDefinition> = {}): OptionDefinition => ({
  flags: '-p, --point <point>',
  description: `${description}: latest, an id, a day (2026-11-22 or yesterday: the last one of that day), a time (2026-11-22T18:00+01:00 or "yesterday 18:00": the last one made by then), or \`before\` a day or a time; a time without a zone is local`,
  completes: ['latest', 'yesterday', 'today', 'before'],
  ...more,
});

/** What was written after it. @throws SendenseError `usage` */
export const pointChoice = (text: string): PointChoice => parsePoint(text, { now: Date.now(), zone: localZone });

/** The option, alone or with the beginning of its value. */
const option = /^(?:--point|-p)(?:=(?<value>.+))?$/;
const day = /^(?:before\s+)?(?:\d{4}-\d{2}-\d{2}|today|yesterday)$/i;

/** People write `--point before TIME` and `--point yesterday 18:00`; the option takes one word. */
export function joinPoint(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    joined.push(word);
    if (word === '--') return [...joined, ...argv.slice(at + 1)];
    const found = option.exec(word);
    if (!found || (found.groups?.['value'] === undefined && at + 1 === argv.length)) continue;
    let value = found.groups?.['value'] ?? argv[(at += 1)] ?? '';
    if (/^before$/i.test(value) && at + 1 < argv.length) value += ` ${argv[(at += 1)]}`;
    if (day.test(value) && /^\d{2}:\d{2}/.test(argv[at + 1] ?? '')) value += ` ${argv[(at += 1)]}`;
    joined.splice(
      -1,
      1,
      ...(found.groups?.['value'] === undefined ? [word, value] : [`${word.slice(0, word.indexOf('='))}=${value}`]),
    );
  }
  return joined;
}
