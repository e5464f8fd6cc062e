/** Writes `docs/sendense-node.md` from the commands and `schemas/node-settings.json`; a test proves that it is current. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatted } from './formatted.ts';
import type { OptionDefinition } from '../../src/cli/command.ts';
import type { NodeCommand } from '../../src/cli/node/node-command.ts';
import { nodeCommands } from '../../src/cli/node/node-program.ts';
import { nodeGlobalOptions } from '../../src/cli/node/options.ts';
import { childOf, propertiesOf, schemaNode, typesOf, type SchemaNode } from '../../src/plan/diagnostics/schema-node.ts';
import { orList, typeWords } from '../../src/errors/findings/words.ts';

export const nodeDocsFile = join(import.meta.dirname, '../../docs/sendense-node.md');

export async function generateNodeDocs(): Promise<string> {
  const page = `<!-- Made from src/cli/node and schemas/node-settings.json by test/tools/generate-node-docs.ts; do not edit. -->

# sendense-node

\`sendense-node\` is the agent beside the hypervisor. It lets a hub, the machine that keeps the backups, see and back up
the VMs there. This page has its commands, settings, files and log.

- To connect a node to a hub, start with [enrolment.md](enrolment.md).
- To run it as a service, start with [operations.md](operations.md#install).
- To build a tool on its API, read [node-api.md](node-api.md).

If something does not work, run \`sendense-node doctor\`.

| command | does |
| --- | --- |
${nodeCommands.map(({ name, summary }) => `| [${name}](#${name}) | ${summary} |`).join('\n')}

You can write these options before or after the command:

${optionList([...nodeGlobalOptions, { flags: '-V, --version', description: 'print the version' }])}

[exit-codes.md](exit-codes.md) says what the exit status means.

${nodeCommands.map(section).join('\n\n')}

## Settings: \`node.yaml\`

\`sendense-node\` reads the file that \`--config\` names, or \`/etc/sendense/node.yaml\` if it exists. Options of the
command line override it. Restart the services after a change.

\`\`\`yaml
# /etc/sendense/node.yaml
hub: hub.example.com
logLevel: warn
nbd: { hosts: [backup.example.com] }
\`\`\`

${settingsList(schemaNode('node-settings.json'), '').join('\n')}

Keys that begin with \`x-\` are yours. Any other unknown key is an error, with its line and column.

## Files

\`STATE\` is the state folder, \`/var/lib/sendense-node\` by default.

| file | what |
| --- | --- |
| \`STATE/token\` | the token of the API, mode 0600 |
| \`STATE/jobs/\` | jobs ([backup-client.md](backup-client.md#files-of-a-job)) |
| \`STATE/indexes/\` | block indexes |
| \`STATE/link/hub.json\` | the hub, its pinned host key, name and ports of this node; no secret |
| \`STATE/link/id_ed25519.*\` | the key of this node, mode 0600; it never leaves the machine |
| \`STATE/link/status.json\` | the state of the connection (\`schemas/link/status.json\`) |

## Log

The log goes to standard error: as text on a terminal, otherwise as one JSON object a line. An object has \`time\` (ms
since the epoch), \`level\`, \`part\` (\`api\` or \`link\`) and \`msg\`, and \`request_id\` and \`job_id\` if there are any.
The log holds no tokens, passwords or keys.

As a service, it goes to systemd's journal. Each line has its priority, so \`-p\` filters it:

\`\`\`sh
journalctl -u sendense-node -u sendense-tunnel -p warning --since today
\`\`\`
`;
  return formatted(nodeDocsFile, page);
}

const section = ({ name, description, options, examples, exitCodes: codes }: NodeCommand): string => `## ${name}

${description.join('\n\n')}

${optionList(options)}

${examples.map(({ command, description: what }) => `${what}:\n\n\`\`\`sh\n${command}\n\`\`\``).join('\n\n')}

Exit status: ${codes.join(', ')}.`;

const optionList = (options: readonly OptionDefinition[]): string =>
  options
    .map(({ flags, description, choices, default: standard }) => {
      const notes = [
        ...(choices ? [choices.join(', ')] : []),
        ...(standard === undefined ? [] : [`default: ${standard}`]),
      ];
      return `- \`${flags}\`: ${description}${notes.map((note) => ` (${note})`).join('')}`;
    })
    .join('\n');

function settingsList(at: SchemaNode, prefix: string): string[] {
  return Object.keys(propertiesOf(at)).flatMap((key) => {
    const node = childOf(at, key);
    if (!node) return [];
    const inner = settingsList(node, `${prefix}${key}.`);
    return inner.length > 0 ? inner : [settingOf(`${prefix}${key}`, node)];
  });
}

function settingOf(path: string, node: SchemaNode): string {
  const { enum: choices, const: constant, default: standard, description = '' } = node.schema;
  const values = Array.isArray(choices) ? choices : constant === undefined ? undefined : [constant];
  const value = values ? orList(values.map((one) => `\`${String(one)}\``)) : typeWords(typesOf(node) ?? []);
  const byDefault = standard === undefined || Array.isArray(standard) ? '' : `; default \`${String(standard)}\``;
  return `- \`${path}\` (${value}${byDefault})${description === '' ? '' : `: ${String(description)}`}`;
}

if (import.meta.main) {
  writeFileSync(nodeDocsFile, await generateNodeDocs());
  console.log('wrote docs/sendense-node.md');
}
