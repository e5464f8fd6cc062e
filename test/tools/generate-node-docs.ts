/** Writes `docs/sendense-node.md` from the commands and `schemas/node-settings.json`; a test proves that it is current. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatted } from './formatted.ts';
import type { OptionDefinition } from '../../src/cli/command.ts';
import type { NodeCommand } from '../../src/cli/node/node-command.ts';
import { nodeCommands } from '../../src/cli/node/node-program.ts';
import { nodeGlobalOptions } from '../../src/cli/node/options.ts';
import { childOf, propertiesOf, schemaNode, typesOf, type SchemaNode } from '../../src/plan/diagnostics/schema-node.ts';
import { orList, typeWords } from '../../src/plan/diagnostics/words.ts';

export const nodeDocsFile = join(import.meta.dirname, '../../docs/sendense-node.md');

export async function generateNodeDocs(): Promise<string> {
  const page = `<!-- Made from src/cli/node and schemas/node-settings.json by test/tools/generate-node-docs.ts; do not edit. -->

# sendense-node

The agent beside the disks: lets a hub see them and back them up. Its API is described in [node-api.md](node-api.md).

| command | does |
| --- | --- |
${nodeCommands.map(({ name, summary }) => `| [${name}](#${name}) | ${summary} |`).join('\n')}

Options that may stand before or after the command:

${optionList([...nodeGlobalOptions, { flags: '-V, --version', description: 'print the version' }])}

${nodeCommands.map(section).join('\n\n')}

## Settings: \`node.yaml\`

The file that \`--config\` names, else \`/etc/sendense/node.yaml\` where it is there. Options of the command line go before it. Keys that
begin with \`x-\` are yours; any other unknown key is an error, with its line and column.

| key | value | default | |
| --- | --- | --- | --- |
${settingRows(schemaNode('node-settings.json'), '').join('\n')}

## Files

- \`STATE/token\`: the token of the API (0600).
- \`STATE/jobs/\`, \`STATE/indexes/\`: jobs and block indexes.
- \`STATE/link/hub.json\`: the hub, its pinned host key, name and ports of this node; no secret.
- \`STATE/link/id_ed25519.*\`: the key of this node (0600), made by \`enroll\`; it never leaves the machine.
- \`STATE/link/status.json\`: how the link is (\`schemas/link/status.json\`).

## Log

To standard error: text on a terminal, otherwise one JSON object a line with \`time\` (ms since the epoch), \`level\`, \`part\` (\`api\` or
\`link\`), \`msg\`, and \`request_id\` and \`job_id\` where there are; in systemd's journal with the priority by which \`journalctl -p\`
sorts. Tokens, passwords and keys are not in it.
`;
  return formatted(nodeDocsFile, page);
}

const section = ({ name, description, options, examples, exitCodes: codes }: NodeCommand): string => `## ${name}

${description.join('\n\n')}

${optionList(options)}

${examples.map(({ command, description: what }) => `${what}:\n\n\`\`\`sh\n${command}\n\`\`\``).join('\n\n')}

Exit status: ${codes.join(', ')}; see [exit-codes.md](exit-codes.md).`;

const optionList = (options: readonly OptionDefinition[]): string =>
  options
    .map(
      ({ flags, description, choices }) => `- \`${flags}\`: ${description}${choices ? ` (${choices.join(', ')})` : ''}`,
    )
    .join('\n');

function settingRows(at: SchemaNode, prefix: string): string[] {
  return Object.keys(propertiesOf(at)).flatMap((key) => {
    const node = childOf(at, key);
    if (!node) return [];
    const inner = settingRows(node, `${prefix}${key}.`);
    return inner.length > 0 ? inner : [rowOf(`${prefix}${key}`, node)];
  });
}

function rowOf(path: string, node: SchemaNode): string {
  const { enum: choices, const: constant, default: standard, description = '' } = node.schema;
  const values = Array.isArray(choices) ? choices : constant === undefined ? undefined : [constant];
  const value = values ? orList(values.map((one) => `\`${String(one)}\``)) : typeWords(typesOf(node) ?? []);
  return `| \`${path}\` | ${value} | ${standard === undefined ? '' : `\`${String(standard)}\``} | ${String(description)} |`;
}

if (import.meta.main) {
  writeFileSync(nodeDocsFile, await generateNodeDocs());
  console.log('wrote docs/sendense-node.md');
}
