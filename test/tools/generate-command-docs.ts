/** Writes `docs/commands/*.md` from the command definitions; a test proves that they are current. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatted } from './formatted.ts';
import type { CommandDefinition, OptionDefinition } from '../../src/cli/command.ts';
import { commands, globalOptions } from '../../src/cli/commands/index.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';

export const docsFolder = join(import.meta.dirname, '../../docs/commands');

/** Text by file name. */
export async function generateCommandDocs(): Promise<Map<string, string>> {
  const pages = new Map<string, string>([['README.md', index()]]);
  for (const definition of commands) for (const [file, text] of page(definition, '')) pages.set(file, text);
  const all = [...pages].map(async ([file, text]) => [file, await formatted(file, text)] as const);
  return new Map(await Promise.all(all));
}

const banner = '<!-- Made from src/cli/commands by test/tools/generate-command-docs.ts; do not edit. -->';

const fileOf = (path: string): string => `sendense-run-${path.replaceAll(' ', '-')}.md`;

const index = (): string => `${banner}

# sendense-run

\`sendense-run\` is the program of the hub, the machine that keeps the backups. It runs plans, and shows, checks and
restores what they made. Each command has a page here; \`sendense-run COMMAND --help\` prints the same.

\`\`\`sh
sendense-run validate web1.yaml             # is the plan right?
sendense-run web1.yaml                      # back up
sendense-run list                           # the restore points
sendense-run restore web1 --to ./restored   # get the disks back
sendense-run history --status failed        # what failed, then: sendense-run show RUN
\`\`\`

${section('SYNOPSIS', '```\nsendense-run [command] [options]\nsendense-run PLAN...\n```')}
${section('COMMANDS', `| command | does |\n| --- | --- |\n${commands.map(({ name, summary }) => `| [${name}](${fileOf(name)}) | ${summary} |`).join('\n')}`)}
${section('GLOBAL OPTIONS', `You can write them before or after the command.\n\n${optionList([...globalOptions, { flags: '-V, --version', description: 'print the version' }])}`)}
${section('OUTPUT', 'Results go to standard output, progress and errors to standard error. `--json` turns results into JSON, see [json-output.md](../json-output.md). Colours and bars appear on terminals only; without a UTF-8 locale the output is ASCII.')}
${section('EXIT STATUS', exitList(Object.keys(exitCodes).map(Number)))}
${section('ENVIRONMENT', '- `NO_COLOR`: no colours, if it is not empty.\n- `FORCE_COLOR`: colours also if the output is not a terminal. It overrides `NO_COLOR`.\n- `SENDENSE_DEBUG=1`: prints the stack of each error.\n- `XDG_CACHE_HOME`: the folder of a cache of compiled code, `sendense/`, which you can remove at any time (default `~/.cache`).')}
`;

function page(definition: CommandDefinition, above: string): [string, string][] {
  const path = above === '' ? definition.name : `${above} ${definition.name}`;
  const operands = definition.arguments.map(({ syntax }) => syntax.replace(/[<>]/g, '')).join(' ');
  const children = definition.commands ?? [];
  const synopsis = [
    ...(definition.load ? [synopsisOf(path, definition)] : []),
    ...(path === 'run' ? [`sendense-run [options] ${operands.toUpperCase()}`] : []),
    ...children.map((child) => synopsisOf(`${path} ${child.name}`, child)),
  ].join('\n');
  const text = `${banner}

# sendense-run ${path}

${section('NAME', `\`sendense-run ${path}\`: ${definition.summary.charAt(0).toLowerCase()}${definition.summary.slice(1)}`)}
${section('SYNOPSIS', `\`\`\`\n${synopsis}\n\`\`\``)}
${section('DESCRIPTION', definition.description.join('\n\n'))}
${children.length > 0 ? section('COMMANDS', children.map((child) => `- [${child.name}](${fileOf(`${path} ${child.name}`)}): ${child.summary}`).join('\n')) : ''}
${section('OPTIONS', options(definition))}
${section('EXAMPLES', definition.examples.map(({ command, description }) => `${description}${description.endsWith('?') ? '' : ':'}\n\n\`\`\`sh\n${command}\n\`\`\``).join('\n\n'))}
${section('EXIT STATUS', exitList(definition.exitCodes))}
${definition.files ? section('FILES', definition.files.map(([file, what]) => `- \`${file}\`: ${what}`).join('\n')) : ''}
${section('SEE ALSO', ['README', ...definition.seeAlso].map(link).join(', '))}
`;
  return [[fileOf(path), text], ...children.flatMap((child) => page(child, path))];
}

const link = (name: string): string => (name === 'README' ? '[sendense-run](README.md)' : `[${name}](${fileOf(name)})`);

const synopsisOf = (path: string, { arguments: operands, options: own }: CommandDefinition): string =>
  [
    'sendense-run',
    path,
    ...(own.length > 0 ? ['[options]'] : []),
    ...operands.map(({ syntax }) => syntax.replace(/[<>]/g, '').toUpperCase()),
  ].join(' ');

function options(definition: CommandDefinition): string {
  const operands = definition.arguments.map(({ syntax, description }) => `- \`${syntax}\`: ${description}`).join('\n');
  const own = optionList(definition.options);
  return [operands, own, 'And the [global options](README.md#global-options).']
    .filter((part) => part !== '')
    .join('\n\n');
}

const optionList = (list: readonly OptionDefinition[]): string =>
  list.map((option) => `- \`${option.flags}\`: ${optionText(option)}`).join('\n');

function optionText({ description, choices, default: value }: OptionDefinition): string {
  const facts = [
    ...(choices ? [`one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`] : []),
    ...(value === undefined ? [] : [`default \`${value}\``]),
  ];
  return facts.length > 0 ? `${description}; ${facts.join('; ')}` : description;
}

const exitList = (codes: readonly number[]): string =>
  `| status | meaning |\n| --- | --- |\n${codes.map((code) => `| ${code} | ${exitCodes[code] ?? ''} |`).join('\n')}`;

const section = (title: string, text: string): string => `## ${title}\n\n${text}\n`;

if (import.meta.main) {
  rmSync(docsFolder, { recursive: true, force: true });
  mkdirSync(docsFolder, { recursive: true });
  for (const [file, text] of await generateCommandDocs()) {
    writeFileSync(join(docsFolder, file), text);
    console.log(`wrote ${relative(process.cwd(), join(docsFolder, file))}`);
  }
}
