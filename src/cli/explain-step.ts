import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot, schemaOf } from '../schemas/validator.ts';
import { labelled, padEnd, widthOf } from '../view/text.ts';

interface Field {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly $ref?: string;
  readonly items?: Field;
}

interface StepSchema {
  readonly description?: string;
  readonly properties: Record<
    'input' | 'output',
    { readonly properties?: Record<string, Field>; readonly required?: readonly string[] }
  >;
}

export const stepNames = (): string[] =>
  globSync('*.json', { cwd: join(packageRoot, 'schemas/steps') })
    .map((file) => basename(file, '.json'))
    .sort();

export const stepSummary = (uses: string): string => schemaOfStep(uses).description ?? '';

const schemaOfStep = (uses: string): StepSchema => schemaOf(`steps/${uses}.json`) as unknown as StepSchema;

/** A step: what it does, its inputs and outputs, and the lines of a runner that use it. */
export function explainStep(
  uses: string,
  { bold, columns }: { bold(text: string): string; readonly columns: number },
): string[] {
  const { properties } = schemaOfStep(uses);
  return [
    bold(uses),
    ...labelled('  ', stepSummary(uses), columns),
    ...fields('Inputs (with:)', properties.input, bold, columns),
    ...fields(`Outputs (\${{ steps.<id>.… }})`, properties.output, bold, columns),
    ...example(uses, bold),
    '',
    `More: sendense-run schema steps/${uses}`,
  ];
}

function fields(
  title: string,
  part: StepSchema['properties']['input'],
  bold: (text: string) => string,
  columns: number,
): string[] {
  const entries = Object.entries(part.properties ?? {});
  if (entries.length === 0) return [];
  const names = entries.map(([name]) => (part.required?.includes(name) ? name : `${name}?`));
  const width = Math.max(...names.map(widthOf));
  return [
    '',
    bold(title),
    ...entries.flatMap(([, field], index) => {
      const fallback = field.default === undefined ? '' : ` Default: ${JSON.stringify(field.default)}.`;
      return labelled(
        `  ${padEnd(names[index] ?? '', width)}  `,
        `${typeOf(field)}. ${field.description ?? ''}${fallback}`.trimEnd(),
        columns,
      );
    }),
  ];
}

function typeOf(field: Field): string {
  if (field.enum) return field.enum.map(String).join(' | ');
  if (field.$ref)
    return (
      field.$ref
        .split('/')
        .at(-1)
        ?.replace(/\.json$/, '') ?? 'object'
    );
  if (field.items) return `list of ${typeOf(field.items)}`;
  return [field.type ?? 'any'].flat().join(' or ');
}

/** How the first runner that has the step uses it. */
function example(uses: string, bold: (text: string) => string): string[] {
  for (const file of globSync('*.yaml', { cwd: join(packageRoot, 'runners') }).sort()) {
    const runner = parse(readFileSync(join(packageRoot, 'runners', file), 'utf8')) as {
      steps: Record<string, unknown>[];
    };
    const step = runner.steps.find((candidate) => candidate['uses'] === uses);
    if (step)
      return [
        '',
        bold(`Example (runners/${file})`),
        ...stringify([step])
          .trimEnd()
          .split('\n')
          .map((line) => `  ${line}`),
      ];
  }
  return [];
}
