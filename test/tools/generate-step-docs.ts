import { stringify } from 'yaml';
import { catalogue } from '../../src/errors/catalogue.ts';
import { schemaOf } from '../../src/schemas/validator.ts';
import { builtInSteps } from '../../src/steps/index.ts';
import { fieldsTable, type Schema } from './describe-schema.ts';
import { runnerSteps, stepNotes, type StepExample, type StepNotes } from './step-examples.ts';

type Step = (typeof builtInSteps)[number];

const summaryOf = ({ uses }: Step): string => (schemaOf(`steps/${uses}.json`) as Schema).description ?? '';

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function behaviour(step: Step, notes: StepNotes, usedBy: readonly string[]): string {
  const leaves =
    step.leaves === 'result' ? 'Part of the result: it stays once the run has published.' : 'Nothing that stays.';
  const published =
    step.afterPublish === 'failure'
      ? 'The run failed, though its result stays.'
      : 'A warning: the result is there, exit code 3.';
  const errors = notes.errors
    .map((code) => `  - [\`${code}\`](errors.md#${code.replaceAll('.', '')}): ${lowerFirst(catalogue[code].title)}`)
    .join('\n');
  return [
    `- **On the terminal:** ${step.title}`,
    ...(usedBy.length > 0 ? [`- **Runners:** ${usedBy.join(', ')}`] : []),
    `- **Claims:** ${notes.claim ?? 'Nothing.'}`,
    `- **Undo:** ${notes.undo ?? 'Nothing to take back.'}`,
    `- **Leaves:** ${leaves}`,
    `- **If it fails after the publish point:** ${published}`,
    `- **Errors:**${errors === '' ? ' None of its own.' : `\n${errors}`}`,
  ].join('\n');
}

function exampleText({ title, text, step, place }: StepExample): string {
  const yaml = stringify(place === undefined ? [step] : { [place]: [step] }, {
    lineWidth: 0,
    flowCollectionPadding: true,
  }).trim();
  return [`**${title}**${text === undefined ? '' : `: ${text}`}`, `\`\`\`yaml\n${yaml}\n\`\`\``].join('\n\n');
}

function section(step: Step, notes: StepNotes, usedBy: readonly string[]): string {
  const file = `steps/${step.uses}.json`;
  const schema = schemaOf(file) as Schema;
  const id = notes.examples[0]?.step.id ?? 'ID';
  return [
    `## ${step.uses}`,
    notes.does.trim(),
    behaviour(step, notes, usedBy),
    `Input:\n\n${fieldsTable(schema.properties?.['input'] ?? {}, file)}`,
    `Output (\`\${{ steps.${id}.FIELD }}\`):\n\n${fieldsTable(schema.properties?.['output'] ?? {}, file)}`,
    ...notes.examples.map(exampleText),
  ].join('\n\n');
}

/** `docs/steps.md`: from schemas/steps/, src/steps/ and src/steps/examples/. Examples are checked by test/steps/examples.test.ts. */
export function generateStepDocs(): string {
  const notes = stepNotes();
  const runners = runnerSteps();
  const contents = builtInSteps.map(
    (step) => `| [\`${step.uses}\`](#${step.uses.replaceAll('.', '')}) | ${summaryOf(step)} |`,
  );
  const sections = builtInSteps.map((step) => {
    const own = notes.get(step.uses);
    if (!own) throw new Error(`src/steps/examples/${step.uses}.yaml is missing`);
    return section(
      step,
      own,
      [...runners].filter(([, steps]) => steps.some(({ uses }) => uses === step.uses)).map(([kind]) => kind),
    );
  });
  return `<!-- Made from schemas/steps/, src/steps/ and src/steps/examples/ by \`npm run docs\`; do not edit. -->

# Built-in steps

A **step** is one action of a run. The **runner** of a kind of plan is the list of its steps. You need this page if you
write \`steps:\` of your own in a plan ([plans/shared-keys.md](plans/shared-keys.md#steps-and-result)), or want to know what a step of a run
did. To run backups, you do not need it.

How to read it:

- **Runners**: the kinds of plans that have the step without \`steps:\` of their own.
- \`sendense-run plan PLAN\` shows the steps of a plan, and what each would do.
- **Claims**: what the step writes into the journal of the run before it has any effect. After a crash, the next run cleans
  up by the journal.
- **Undo**: what Sendense does with the effects of the step if the run fails.
- **Publish point**: the moment from which the result of the run is there, for example the restore point.
- Sizes are bytes. Paths are absolute, unless they say what they are relative to.
- Names like \`diskDecision\` are defined in \`schemas/domain.json\`. \`sendense-run schema steps/NAME\` prints the schema of a
  step.
- Besides its own errors, every step can end with \`run.cancelled\`, \`step.timeout\`, \`disk.full\` and \`tool.missing\`.

| step | does |
| --- | --- |
${contents.join('\n')}

${sections.join('\n\n')}
`;
}
