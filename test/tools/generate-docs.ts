/**
 * Writes the pages of `docs/` that are made from the code: errors.md, exit-codes.md, steps.md. Run by `npm run docs`;
 * test/project/docs.test.ts proves that they are current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { catalogue, type CatalogueEntry } from '../../src/errors/catalogue.ts';
import { packageRoot, schemaOf } from '../../src/schemas/validator.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { fieldsTable, type Schema } from './describe-schema.ts';

const notice = (from: string): string => `<!-- Made from ${from} by \`npm run docs\`; do not edit. -->`;

const errors: readonly (readonly [string, CatalogueEntry])[] = Object.entries(catalogue);

function errorsPage(): string {
  const rows = errors.map(
    ([code, { exit, retry, title, remedy }]) =>
      `| \`${code}\` | ${title} | [${exit}](exit-codes.md) | ${retry === 'temporary' ? 'yes' : ''} | ${remedy} |`,
  );
  return `${notice('src/errors/catalogue.ts')}

# Errors

Every error has a code that stays the same between versions: on the terminal the word after \`error\`, in JSON
\`error.code\`. "Again" says that the same call may succeed later; steps with \`retry:\` try such errors again by themselves.

| code | what happened | exit | again | what to do |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function exitCodesPage(): string {
  const rows = Object.entries(exitCodes).map(([status, meaning]) => {
    const codes = errors.filter(([, entry]) => entry.exit === Number(status)).map(([code]) => `\`${code}\``);
    return `| ${status} | ${meaning} | ${codes.join(', ')} |`;
  });
  return `${notice('src/cli/exit-codes.ts and src/errors/catalogue.ts')}

# Exit codes

The same for all programs. What scripts want to know: after 0 and 3 the restore point or the restored disks are
there; after 1 and 14 nothing is left behind; 11 and 75 are worth another try later; 16 needs a human.

| status | meaning | [errors](errors.md) |
| --- | --- | --- |
${rows.join('\n')}
`;
}

interface RunnerStep {
  readonly id: string;
  readonly uses: string;
}

/** First use of each step in the runners that ship: examples that are validated and run by the tests of every run. */
function shippedUses(): ReadonlyMap<string, { readonly runner: string; readonly step: RunnerStep }> {
  const found = new Map<string, { runner: string; step: RunnerStep }>();
  for (const kind of ['backup', 'incremental', 'restore']) {
    const runner = `runners/${kind}.yaml`;
    const { steps } = parse(readFileSync(join(packageRoot, runner), 'utf8')) as { steps: RunnerStep[] };
    for (const step of steps) if (!found.has(step.uses)) found.set(step.uses, { runner, step });
  }
  return found;
}

function stepsPage(): string {
  const uses = shippedUses();
  const sections = builtInSteps.map((step) => {
    const file = `steps/${step.uses}.json`;
    const schema = schemaOf(file) as Schema;
    const use = uses.get(step.uses);
    const example =
      use && `As in \`${use.runner}\`:\n\n\`\`\`yaml\n${stringify([use.step], { lineWidth: 0 }).trim()}\n\`\`\``;
    const parts = [
      `## ${step.uses}`,
      `${schema.description ?? ''} On the terminal: “${step.title}”.`,
      example,
      `Input:\n\n${fieldsTable(schema.properties?.['input'] ?? {}, file)}`,
      `Output (\`\${{ steps.${use?.step.id ?? 'ID'}.FIELD }}\`):\n\n${fieldsTable(schema.properties?.['output'] ?? {}, file)}`,
    ];
    return parts.filter((part) => part !== undefined).join('\n\n');
  });
  const contents = builtInSteps.map(
    (step) =>
      `| [\`${step.uses}\`](#${step.uses.replaceAll('.', '')}) | ${(schemaOf(`steps/${step.uses}.json`) as Schema).description ?? ''} |`,
  );
  return `${notice('schemas/steps/, src/steps/ and runners/')}

# Built-in steps

What a runner or a plan's own \`steps:\` can use. Names like \`diskDecision\` are defined in \`schemas/domain.json\`.

| step | |
| --- | --- |
${contents.join('\n')}

${sections.join('\n\n')}
`;
}

/** File below the project's root -> what it must hold. */
export const generatedDocs = (): ReadonlyMap<string, string> =>
  new Map([
    ['docs/errors.md', errorsPage()],
    ['docs/exit-codes.md', exitCodesPage()],
    ['docs/steps.md', stepsPage()],
  ]);

if (import.meta.main) {
  for (const [name, text] of generatedDocs()) {
    const file = join(packageRoot, name);
    writeFileSync(file, text);
    console.log(`wrote ${relative(process.cwd(), file)}`);
  }
}
