import type { Path } from '../../errors/findings/finding.ts';
import { basename } from 'node:path';
import { validatorOf } from '../../schemas/validator.ts';
import { checkCondition, checkTemplate } from './check-expressions.ts';
import { isSecret } from '../expressions/create-evaluator.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import type { PlanDocument } from '../yaml/document.ts';
import { conditionAsksForState, referencesIn } from '../expressions/references-in.ts';
import type { References } from '../expressions/reference-type.ts';
import { rules } from '../../errors/findings/rules.ts';
import { schemaDiagnostics } from '../diagnostics/schema-diagnostics.ts';
import { mismatch } from '../diagnostics/schema-mismatch.ts';
import {
  childOf,
  constantNode,
  itemOf,
  keysOf,
  requiredOf,
  schemaNode,
  stepNames,
  type SchemaNode,
} from '../diagnostics/schema-node.ts';
import type { StepDraft } from '../expand/step-drafts.ts';
import { isTemplate } from '../expressions/template.ts';
import { shown, wordOf } from '../../errors/findings/words.ts';

/** What is wrong with one step that stands in the plan: its `uses`, its inputs, its condition, every reference. */
export function checkStep(document: PlanDocument, step: StepDraft, seen: References): Diagnostic[] {
  const { path, written } = step;
  const references = { ...seen, afterFailure: typeof written.if === 'string' && conditionAsksForState(written.if) };
  const diagnostics: Diagnostic[] = [];
  if (typeof written.if === 'string')
    diagnostics.push(...checkCondition({ document, path: [...path, 'if'], text: written.if }, references));
  for (const key of ['timeout', 'stallTimeout'] as const) {
    const text = written[key];
    if (typeof text === 'string' && isTemplate(text))
      diagnostics.push(...checkTimeout(document, [...path, key], text, references));
  }
  if (written.run) return [...diagnostics, ...checkCommand(document, step, references)];

  for (const key of ['env', 'cwd'] as const) {
    if (written[key] !== undefined)
      diagnostics.push(
        diagnosticOf(document, {
          rule: 'step/misplaced-key',
          at: { path: [...path, key] },
          message: `${key} is only for steps with run`,
        }),
      );
  }
  const uses = wordOf(written.uses);
  if (!stepNames().includes(uses)) {
    const finding = {
      rule: 'step/unknown-uses',
      at: { path: [...path, 'uses'], part: 'value' },
      message: `there is no step ${shown(uses)}`,
      allowed: stepNames(),
      suggestion: didYouMean(uses, stepNames()),
    } as const;
    return [...diagnostics, diagnosticOf(document, finding)];
  }
  return [...diagnostics, ...checkInputs(document, step, uses, references)];
}

function checkInputs(document: PlanDocument, step: StepDraft, uses: string, references: References): Diagnostic[] {
  const name = `steps/${uses}.json#/properties/input`;
  const input = schemaNode(name);
  const given = (step.written.with ?? {}) as Record<string, unknown>;
  const diagnostics: Diagnostic[] = [];
  const meant = new Set<string>();
  const literals: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const path = [...step.path, 'with', key];
    const wanted = childOf(input, key);
    if (!wanted) {
      const suggestion = didYouMean(key, keysOf(input));
      if (suggestion !== null) meant.add(suggestion);
      diagnostics.push(
        diagnosticOf(document, {
          rule: 'step/unknown-input',
          at: { path },
          message: `${uses} has no input ${shown(key)}`,
          allowed: keysOf(input),
          suggestion,
        }),
      );
    } else if (holdsTemplate(value)) diagnostics.push(...checkValue(document, path, value, wanted, references));
    else literals[key] = structuredClone(value);
  }
  const validate = Object.keys(literals).length > 0 ? validatorOf(name) : null;
  if (validate?.(literals) === false) {
    const errors = (validate.errors ?? []).filter((error) => error.instancePath !== '');
    diagnostics.push(...schemaDiagnostics(document, errors, input, [...step.path, 'with']));
  }
  for (const key of requiredOf(input)) {
    if (Object.hasOwn(given, key) || meant.has(key)) continue;
    const at = { path: step.written.with === undefined ? [...step.path, 'uses'] : [...step.path, 'with'] };
    diagnostics.push(
      diagnosticOf(document, {
        rule: 'step/missing-input',
        at,
        message: `${uses} needs the input ${shown(key)}`,
        remedy: `Add "${key}: …" below with:.`,
      }),
    );
  }
  return diagnostics;
}

/** `run:` with its environment and folder: only the expressions are left to check, the form is in the plan's schema. */
function checkCommand(document: PlanDocument, step: StepDraft, references: References): Diagnostic[] {
  const { path, written } = step;
  const argv = written.run ?? [];
  const diagnostics: Diagnostic[] = [];
  if (written.with !== undefined)
    diagnostics.push(
      diagnosticOf(document, {
        rule: 'step/misplaced-key',
        at: { path: [...path, 'with'] },
        message: 'with is only for steps with uses',
      }),
    );
  const script = scriptIndex(argv);
  const input = schemaNode('steps/command.run.json#/properties/input');
  for (const [index, text] of argv.entries()) {
    if (!isTemplate(text)) continue;
    const wanted: SchemaNode = { schema: { type: 'string' }, file: '' };
    const found = checkTemplate({ document, path: [...path, 'run', index], text }, references, wanted);
    diagnostics.push(
      ...found.map((item) => (item.remedy === rules['ref/type'].remedy ? { ...item, remedy: argumentRemedy } : item)),
    );
    if (index === script && text.replaceAll('$${{', '').includes('${{')) {
      diagnostics.push(
        diagnosticOf(document, {
          rule: 'step/shell-expression',
          at: { path: [...path, 'run', index], part: 'value' },
          message: 'an expression stands inside a shell script',
        }),
      );
    }
  }
  for (const key of ['env', 'cwd'] as const) {
    const wanted = childOf(input, key);
    if (written[key] !== undefined && wanted && holdsTemplate(written[key])) {
      diagnostics.push(
        ...checkValue(
          document,
          [...path, key],
          written[key],
          key === 'env' ? { schema: environment, file: '' } : wanted,
          references,
        ),
      );
    }
  }
  return diagnostics;
}

const argumentRemedy = 'Arguments are text: refer to a text, or pass a number as an environment variable (env:).';

const environment = { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } };

/** Which argument is a script for a shell: the one after -c. */
function scriptIndex(argv: readonly string[]): number {
  const shell = argv.findIndex((text) => /^(?:ba|da|z|k|a|fi)?sh$/.test(basename(text)));
  const option = shell < 0 ? -1 : argv.findIndex((text, index) => index > shell && /^-[a-z]*c$/.test(text));
  return option < 0 ? -1 : option + 1;
}

/** A value that holds expressions somewhere, against the schema of what is wanted. */
function checkValue(
  document: PlanDocument,
  path: Path,
  value: unknown,
  wanted: SchemaNode,
  references: References,
): Diagnostic[] {
  if (typeof value === 'string' && isTemplate(value))
    return checkTemplate({ document, path, text: value }, references, wanted);
  if (Array.isArray(value))
    return value.flatMap((entry, index) => checkValue(document, [...path, index], entry, itemOf(wanted), references));
  if (typeof value === 'object' && value !== null && !isSecret(value) && holdsTemplate(value)) {
    return Object.entries(value).flatMap(([key, entry]) => {
      const child = childOf(wanted, key);
      if (child) return checkValue(document, [...path, key], entry, child, references);
      return [
        diagnosticOf(document, {
          rule: 'schema/unknown-key',
          at: { path: [...path, key] },
          message: `unknown key ${shown(key)}`,
          allowed: keysOf(wanted),
          suggestion: didYouMean(key, keysOf(wanted)),
        }),
      ];
    });
  }
  const why =
    typeof value === 'object' && value !== null && isSecret(value) ? null : mismatch(constantNode(value), wanted);
  return why
    ? [
        diagnosticOf(document, {
          rule: 'schema/type',
          at: { path, part: 'value' },
          message: `this value does not fit: ${why}`,
        }),
      ]
    : [];
}

export function holdsTemplate(value: unknown): boolean {
  if (typeof value === 'string') return isTemplate(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsTemplate);
}

function checkTimeout(document: PlanDocument, path: Path, text: string, references: References): Diagnostic[] {
  const found = checkTemplate({ document, path, text }, references, { schema: { type: 'string' }, file: '' });
  if (found.length > 0 || referencesIn(text).every((reference) => reference.root === 'plan')) return found;
  return [
    diagnosticOf(document, {
      rule: 'ref/plan-only',
      at: { path, part: 'value' },
      message: `${String(path.at(-1))} is needed before the run starts`,
    }),
  ];
}
