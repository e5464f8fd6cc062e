import { catalogue } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { rules } from '../../errors/findings/rules.ts';
import { columnsOf } from '../../view/terminal.ts';
import { described, labelled } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { explainStep, stepNames, stepSummary } from '../explain-step.ts';

interface Entry {
  readonly title: string;
  readonly remedy: string;
  readonly exit?: number;
  readonly retry?: string;
}

export async function action({ args, terminal }: CommandContext): Promise<number> {
  const { stdout, style } = terminal;
  const columns = Math.min(100, columnsOf(stdout));
  const topic = args[0];
  const lines =
    topic === undefined ? overview({ bold: style.bold, columns }) : explain(topic, { bold: style.bold, columns });
  stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

interface Look {
  bold(text: string): string;
  readonly columns: number;
}

function explain(topic: string, look: Look): string[] {
  const { bold, columns } = look;
  if (Object.hasOwn(catalogue, topic)) {
    const error: Entry = catalogue[topic as keyof typeof catalogue];
    const again = error.retry === 'temporary' ? ['  again   trying again can help; steps with `retry` do'] : [];
    return [
      ...entryLines(topic, error, look),
      ...labelled('  exit    ', `${error.exit}: ${exitCodes[error.exit ?? 1] ?? ''}`, columns),
      ...again,
    ];
  }
  if (Object.hasOwn(rules, topic))
    return [...entryLines(topic, rules[topic as keyof typeof rules], look), '  more    docs/checks.md has an example'];
  if (stepNames().includes(topic)) return explainStep(topic, look);
  if (exitCodes[Number(topic)] !== undefined) {
    const codes = Object.entries(catalogue).filter(([, { exit }]) => exit === Number(topic));
    return [
      bold(`exit status ${topic}`),
      ...labelled('  ', exitCodes[Number(topic)] ?? '', columns),
      ...(codes.length > 0 ? labelled('  errors  ', codes.map(([code]) => code).join(', '), columns) : []),
    ];
  }
  const near = didYouMean(topic, [...Object.keys(catalogue), ...Object.keys(rules), ...stepNames()]);
  throw new SendenseError('usage', `nothing is known of ${topic}${near === null ? '' : `; did you mean ${near}?`}`, {
    remedy: '`sendense-run explain` lists what is.',
  });
}

const entryLines = (topic: string, { title, remedy }: Entry, { bold, columns }: Look): string[] => [
  bold(topic),
  ...labelled('  what    ', title, columns),
  ...labelled('  remedy  ', remedy, columns),
];

function overview({ bold, columns }: Look): string[] {
  const section = (title: string, rows: readonly (readonly [string, string])[]): string[] => [
    bold(title),
    ...described(
      rows.map(([name, text]) => [`  ${name}`, text]),
      columns,
    ),
    '',
  ];
  return [
    ...section(
      'Error codes',
      Object.entries(catalogue).map(([code, { title }]) => [code, title]),
    ),
    ...section(
      'Rules of validate',
      Object.entries(rules).map(([id, { title }]) => [id, title]),
    ),
    ...section(
      'Steps',
      stepNames().map((name) => [name, stepSummary(name)]),
    ),
    ...section(
      'Exit statuses',
      Object.entries(exitCodes).map(([code, text]) => [code, text]),
    ).slice(0, -1),
  ];
}
