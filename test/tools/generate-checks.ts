/** Makes `docs/checks.md` from the rules and the corpus. Run by `npm run docs`; a test proves that the file is current. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatExcerpts } from '../../src/plan/diagnostics/format-text.ts';
import { rules, type RuleId } from '../../src/errors/findings/rules.ts';
import { corpusCases, runCase, type CorpusCase } from '../plan/corpus-cases.ts';

export const checksFile = join(import.meta.dirname, '../../docs/checks.md');

const introduction = `# Checks

<!-- Made from src/errors/findings/rules.ts and test/plan/corpus by \`npm run docs\`; do not edit. -->

\`sendense-run validate\` checks plans and settings before a run. It reports all mistakes at once, and uses neither network
nor secrets. Each finding names its rule in square brackets, here \`yaml/syntax\`:

\`\`\`text
nightly.yaml:2:7: error: a second key begins here, where only a value can stand [yaml/syntax]
   |
 2 | name: nightly: first
   |       ^^^^^^^
   = help: Quote the value if its colon belongs to it; else check that this line and the next are indented alike.
\`\`\`

This page has every rule: what is wrong, what to do, an example, and what \`validate\` prints for it and for variants of it.
Search the page for the name of the rule, or run \`sendense-run explain yaml/syntax\`. A rule keeps its name and its meaning
in later versions, so scripts can rely on them. [ci.md](ci.md) shows how to run the checks in CI.
`;

const families: Readonly<Record<string, string>> = {
  file: 'Files',
  yaml: 'YAML',
  schema: 'Form',
  secret: 'Secrets',
  schedule: 'Schedules',
  duration: 'Durations',
  disks: 'Disks',
  restore: 'Restores',
  step: 'Steps',
  expression: 'Expressions',
  ref: 'References',
  settings: 'Plans against settings',
};

export function generateChecks(): string {
  const cases = new Map(corpusCases().map((example) => [example.rule, example]));
  let family = '';
  const sections = (Object.keys(rules) as RuleId[]).map((id) => {
    const { title, remedy } = rules[id];
    const [prefix = ''] = id.split('/');
    const heading = prefix === family ? '' : `## ${families[prefix] ?? prefix}\n\n`;
    family = prefix;
    const example = cases.get(id);
    return `${heading}### ${id}\n\n${title}. ${remedy}\n${example ? exampleOf(example) : ''}`;
  });
  return `${introduction}\n${sections.join('\n')}`;
}

/** The main file of the example, and what is printed for it and its variants (whose excerpts tell enough). */
function exampleOf(example: CorpusCase): string {
  const result = runCase(example);
  const main = ['plan.yaml', 'sendense.yaml'].find((file) => result.texts.get(file)?.trim());
  const source =
    main === undefined || example.pad ? '' : fenced('yaml', `# ${main}\n${result.texts.get(main)?.trimEnd()}`);
  return `${source}${fenced('text', formatExcerpts(result, { color: false }).trimEnd())}`;
}

const fenced = (language: string, text: string): string => `\n\`\`\`${language}\n${text}\n\`\`\`\n`;

if (import.meta.main) {
  writeFileSync(checksFile, generateChecks());
  console.log('wrote docs/checks.md');
}
