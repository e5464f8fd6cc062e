/**
 * Writes the pages of `docs/` that are made from the code: errors.md, exit-codes.md, steps.md. Run by `npm run docs`;
 * test/project/docs.test.ts proves that they are current.
 */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { catalogue, type CatalogueEntry } from '../../src/errors/catalogue.ts';
import { packageRoot } from '../../src/schemas/validator.ts';
import { generateStepDocs } from './generate-step-docs.ts';

const notice = (from: string): string => `<!-- Made from ${from} by \`npm run docs\`; do not edit. -->`;

const errors: readonly (readonly [string, CatalogueEntry])[] = Object.entries(catalogue);

/** Sections of the page of errors, in its order, and the families of codes (what stands before the dot) in each. */
const sections: readonly (readonly [string, readonly string[]])[] = [
  ['Command line, settings and plans', ['usage', 'settings', 'plan', 'secret', 'command']],
  ['Runs, steps and groups', ['run', 'step', 'group']],
  ['Programs and files of a machine', ['tool', 'disk', 'file']],
  ['Source disks and VMs', ['source', 'vm']],
  ['vSphere', ['vsphere', 'snapshot', 'cbt', 'transport']],
  ['Restore points and repositories', ['chain', 'content', 'verify', 'point', 'repository', 'prune']],
  ['Files of restore points', ['files']],
  ['Targets of restores', ['target', 'machine', 'start', 'safeguard', 'attach']],
  ['VMs that run from restore points', ['boot']],
  ['Nodes and transfers', ['node', 'access', 'remote', 'request', 'job', 'ports', 'nbd', 'data']],
  ['Hub, enrolment and SSH', ['hub', 'enroll', 'link', 'ssh']],
  ['Credentials and the state database', ['credential', 'state']],
  ['Notices, schedules and services', ['notify', 'schedule', 'service']],
];

const familyOf = (code: string): string => code.split('.')[0] ?? code;

function errorsPage(): string {
  const listed = sections.flatMap(([, families]) => families);
  const forgotten = errors.map(([code]) => code).filter((code) => !listed.includes(familyOf(code)));
  if (forgotten.length > 0) throw new Error(`no section of docs/errors.md has ${forgotten.join(', ')}`);
  const parts = sections.map(([title, families]) => {
    const entries = errors.filter(([code]) => families.includes(familyOf(code)));
    return [`## ${title}`, ...entries.map(errorEntry)].join('\n\n');
  });
  return `${notice('src/errors/catalogue.ts')}

# Errors

This page says of each error code what happened and what to do next. \`sendense-run explain CODE\` prints the same.

On the terminal, the code is the word after \`error\`. In JSON, it is \`error.code\`. The message beside the code names
the thing that failed. The remedy below it is often more exact than the one on this page:

\`\`\`
sendense-run: There is no such restore point
  error   point.unknown: no VM and no restore point has the name web2
  remedy  \`sendense-run list\` lists the restore points. …
\`\`\`

If a scheduled run failed, \`sendense-run history --status failed\` lists it, and \`sendense-run show RUN\` prints its error.
A code keeps its meaning in later versions.

"Try again" means that the same call may succeed later. A step with \`retry:\` tries such an error again by itself.
[exit-codes.md](exit-codes.md) lists the codes by exit status.

${parts.join('\n\n')}
`;
}

function errorEntry([code, { exit, retry, title, remedy }]: readonly [string, CatalogueEntry]): string {
  const again = retry === 'temporary' ? '. Try again' : '';
  return `### \`${code}\`\n\n${wrapped(`${title}. _Exit status ${exit}${again}._`)}\n\n${wrapped(remedy)}`;
}

/** Prose in lines of at most `width` columns; later lines begin with `indent`. What stands between backticks stays together. */
function wrapped(text: string, { width = 120, indent = '' } = {}): string {
  const lines = [''];
  for (const word of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    const line = lines.at(-1) ?? '';
    if (line.trim() === '') lines[lines.length - 1] = line + word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}

function exitCodesPage(): string {
  const rows = Object.entries(exitCodes).map(([status, meaning]) => `| ${status} | ${meaning} |`);
  const lists = Object.keys(exitCodes).flatMap((status) => {
    const codes = errors.filter(([, entry]) => entry.exit === Number(status)).map(([code]) => `\`${code}\``);
    return codes.length === 0 ? [] : [wrapped(`- ${status}: ${codes.join(', ')}`, { indent: '  ' })];
  });
  return `${notice('src/cli/exit-codes.ts and src/errors/catalogue.ts')}

# Exit codes

Every program of Sendense ends with one of these exit statuses. \`sendense-run explain STATUS\` prints one of them.

| status | meaning |
| --- | --- |
${rows.join('\n')}

In a script, decide by the status of a run:

- 0 and 3: the restore point or the restored disks are there. After 3, read the warnings.
- 1 and 14: the run failed, and nothing unfinished is left behind. What was finished before stays; the output names it.
- 11 and 75: run it again later.
- 16: something is left behind. Remove the cause that the output names, then run \`sendense-run recover\`.
- 2, 10, 12: correct the command line, the plan, the settings or a secret first.
- 70: a bug. Report it, with the output of \`sendense-run show RUN --json\`.
- 130 and 143: somebody stopped the run. It cleaned up first.

\`\`\`sh
sendense-run nightly.yaml
case $? in
  0) ;;
  3) echo 'done, with warnings' ;;
  11 | 75) echo 'try again later' ;;
  16) sendense-run recover ;;
  *) echo 'failed: see sendense-run history --status failed' ;;
esac
\`\`\`

A command that runs several plans ends with the worst status of them.

## Errors by exit status

[errors.md](errors.md) explains each code.

${lists.join('\n')}
`;
}

/** File below the project's root -> what it must hold. */
export const generatedDocs = (): ReadonlyMap<string, string> =>
  new Map([
    ['docs/errors.md', errorsPage()],
    ['docs/exit-codes.md', exitCodesPage()],
    ['docs/steps.md', generateStepDocs()],
  ]);

if (import.meta.main) {
  for (const [name, text] of generatedDocs()) {
    const file = join(packageRoot, name);
    writeFileSync(file, text);
    console.log(`wrote ${relative(process.cwd(), file)}`);
  }
}
