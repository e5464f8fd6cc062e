import { columnsOf, exactly } from '../../view/terminal.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { bundledSchema, schemaNames, schemaSummary } from '../../plan/bundled-schema.ts';
import type { CommandContext } from '../command.ts';
import { described } from '../../view/text.ts';

export async function action({ args, global, terminal }: CommandContext): Promise<number> {
  const { stdout, style } = terminal;
  const names = schemaNames();
  const wanted = args[0]?.replace(/\.json$/, '');
  if (wanted === undefined) {
    if (global.json) stdout.write(`${JSON.stringify(names)}\n`);
    else stdout.write(`${listed(names, style.bold, Math.min(100, columnsOf(stdout))).join('\n')}\n`);
    return 0;
  }
  const name = names.includes(wanted) ? wanted : names.find((candidate) => candidate.split('/').at(-1) === wanted);
  if (name === undefined) {
    const near = didYouMean(wanted, names);
    throw new SendenseError('usage', `no schema ${wanted}${near === null ? '' : `; did you mean ${near}?`}`, {
      remedy: '`sendense-run schema` lists them.',
    });
  }
  exactly(stdout).write(`${JSON.stringify(bundledSchema(name), null, global.json ? 0 : 2)}\n`);
  return 0;
}

const listed = (names: readonly string[], bold: (name: string) => string, columns: number): string[] =>
  described(
    names.map((name) => [bold(name), schemaSummary(name)]),
    columns,
  );
