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
