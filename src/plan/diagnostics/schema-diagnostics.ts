import type { ErrorObject } from 'ajv';
import { diagnosticOf, isSecretPointer, type Diagnostic, type Finding } from './diagnostic.ts';
import { didYouMean } from './did-you-mean.ts';
import { pathOf, spanAt, type Path, type PlanDocument } from '../yaml/document.ts';
import { foldSchemaErrors, isSecretReference, isStepChoice, schemaAt } from './fold-schema-errors.ts';
import { monthsNotMinutes } from '../../schemas/age-ms.ts';
import {
  homeOf,
  homePathFinding,
  rangeFinding,
  typeFinding,
  uniqueFinding,
  unknownKeyRemedy,
} from './schema-findings.ts';
import { branchesOf, childOf, keysOf, typesOf, type SchemaNode } from './schema-node.ts';
import { described, placeWords, shown, wordOf } from './words.ts';

/** More than these help nobody; what is left is said once these are corrected. */
const mostErrors = 1_000;

/**
 * ajv's errors as diagnostics, one for each mistake.
 * @param root the schema that was validated against
 * @param prefix where in the document the validated value stands
 */
export function schemaDiagnostics(
  document: PlanDocument,
  errors: readonly ErrorObject[],
  root: SchemaNode,
  prefix: Path = [],
): Diagnostic[] {
  const findings = foldSchemaErrors(errors, root)
    .slice(0, mostErrors)
    .map((error) => findingOf(document, error, root, prefix))
    .filter((finding) => finding !== null);
  return findings.map((finding) => diagnosticOf(document, finding));
}

function findingOf(document: PlanDocument, error: ErrorObject, root: SchemaNode, prefix: Path): Finding | null {
  const path: Path = [...prefix, ...pathOf(error.instancePath)];
  const value = error.data as unknown;
  const schema = (error.parentSchema ?? {}) as Record<string, unknown>;
  const hidden = isSecretPointer(error.instancePath);
  const said = (text: unknown): string => (hidden ? 'the value' : shown(text));
  const about = typeof schema['description'] === 'string' ? schema['description'] : undefined;
  const named = path.findLastIndex((part) => !/^\d+$/.test(String(part)));
  const what = path.length === 0 ? 'this' : placeWords(path.slice(Math.max(named, 0)));

  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params['additionalProperty']);
      const known = schemaAt(root, error.instancePath) ?? { schema, file: root.file };
      if (isSecretReference(error) && keysOf(known).includes('secret')) {
        return {
          rule: 'secret/reference',
          at: { path: [...path, key] },
          message: `a reference to a secret has the form { secret: { … } }`,
        };
      }
      if (isSecretReference(error)) {
        // What stands here as a key may be the secret itself.
        const message = 'a reference to a secret has exactly one of file, env, systemd and command';
        return {
          rule: 'secret/reference',
          at: { span: spanAt(document, [...path, key], 'key'), path },
          message,
          allowed: keysOf(known),
          suggestion: didYouMean(key, keysOf(known)),
        };
      }
      const suggestion = didYouMean(key, keysOf(known));
      const home = suggestion === null ? homeOf(root, key) : undefined;
      return {
        rule: 'schema/unknown-key',
        at: { path: [...path, key] },
        message: `unknown key ${shown(key)}${path.length === 0 ? '' : ` in ${placeWords(path)}`}`,
        allowed: keysOf(known),
        suggestion,
        ...unknownKeyRemedy(key, home, schema),
      };
    }
    case 'required': {
      const key = String(error.params['missingProperty']);
      if (key === 'secret' && isSecretReference(error)) {
        return {
          rule: 'secret/reference',
          at: { path },
          message: 'a reference to a secret has the form { secret: { … } }',
        };
      }
      const child = (schema['properties'] as Record<string, Record<string, unknown>> | undefined)?.[key];
      const hint = typeof child?.['description'] === 'string' ? ` ${child['description']}` : '';
      return {
        rule: 'schema/required',
        at: { path },
        message:
          path.length === 0 ? `the key ${shown(key)} is missing` : `${placeWords(path)} lacks the key ${shown(key)}`,
        remedy: `Add "${key}: …".${hint}`,
      };
    }
    case 'type': {
      if (isSecretReference(error))
        return {
          rule: 'secret/plain',
          at: { path, part: 'value' },
          message: `${what === 'secret' ? placeWords(path.slice(-2)) : what} holds a secret as plain text`,
        };
      if (about?.startsWith('A duration') && typeof value === 'number') {
        return {
          rule: 'schema/type',
          at: { path, part: 'value' },
          message: `${what} must be a duration, not ${described(value)}`,
          remedy: `Write the unit too: ms, s, m, h or d, for example ${value}s.`,
        };
      }
      const types = [error.params['type'] as string | string[]].flat();
      return typeFinding(document, path, value, types, what, hidden, schema);
    }
    case 'enum':
    case 'const': {
      const allowed =
        error.keyword === 'enum' ? (error.params['allowedValues'] as unknown[]) : [error.params['allowedValue']];
      const texts = allowed.map(String);
      return {
        rule: 'schema/enum',
        at: { path, part: 'value' },
        message: `${what} cannot be ${said(value)}`,
        allowed: texts,
        suggestion: didYouMean(wordOf(value), texts),
        ...(what === 'mode' && value === 'incremental'
          ? { remedy: 'Write "kind: incremental" instead of a mode; see docs/plans/incremental.md.' }
          : {}),
      };
    }
    case 'discriminator': {
      const tag = String(error.params['tag']);
      const given = error.params['tagValue'];
      const allowed = branchesOf(schemaAt(root, error.instancePath) ?? { schema, file: root.file })
        .map((branch) => String(childOf(branch, tag)?.schema['const'] ?? ''))
        .filter((text) => text !== '');
      return {
        rule: 'schema/enum',
        at: { path: [...path, tag], part: 'value' },
        message: `${tag} cannot be ${shown(given)}`,
        allowed,
        suggestion: didYouMean(wordOf(given), allowed),
      };
    }
    case 'pattern': {
      const home = homePathFinding(path, what, String(error.params['pattern']), value);
      if (home !== null) return home;
      const noun = /^(An? [^:]+):/.exec(about ?? '')?.[1]?.toLowerCase();
      const months = noun === 'a span of time' && typeof value === 'string' ? monthsNotMinutes(value) : null;
      if (months !== null)
        return {
          rule: 'schema/pattern',
          at: { path, part: 'value' },
          message: `${what} of ${said(value)} could be minutes or months`,
          remedy: months,
        };
      return {
        rule: 'schema/pattern',
        at: { path, part: 'value' },
        message: noun ? `${said(value)} is not ${noun}` : `${what} cannot be ${said(value)}`,
        ...(about === undefined
          ? {}
          : { remedy: noun ? `Write ${about.charAt(0).toLowerCase()}${about.slice(1)}` : `Wanted: ${about}` }),
      };
    }
    case 'propertyNames':
      return {
        rule: 'schema/pattern',
        at: { path: [...path, String(error.params['propertyName'])] },
        message: `${shown(error.params['propertyName'])} cannot be a name here`,
        remedy: 'Use letters, digits, dot, dash and underscore; begin with a letter or digit.',
      };
    case 'format':
      return {
        rule: 'restore/point-time',
        at: { path, part: 'value' },
        message: `${said(value)} is not a time with date and zone`,
      };
    case 'oneOf':
    case 'anyOf': {
      if (isStepChoice(error)) {
        const both = error.params['passingSchemas'] !== null;
        return {
          rule: 'step/uses-or-run',
          at: { path: both ? [...path, 'run'] : path },
          message: both ? 'a step cannot have both uses and run' : 'this step has neither uses nor run',
        };
      }
      const types = typesOf(schemaAt(root, error.instancePath) ?? { schema, file: root.file }) ?? [];
      return typeFinding(document, path, value, types, what, hidden);
    }
    case 'uniqueItems':
      return uniqueFinding(
        path,
        what,
        value as unknown[],
        Math.max(Number(error.params['i']), Number(error.params['j'])),
      );
    case 'minProperties':
    case 'maxProperties':
      if (isSecretReference(error))
        return {
          rule: 'secret/reference',
          at: { path },
          message: 'a reference to a secret has exactly one of file, env, systemd and command',
        };
      return rangeFinding(path, what, error, value);
    case 'minLength':
    case 'minItems':
    case 'maxItems':
    case 'minimum':
    case 'maximum':
      return rangeFinding(path, what, error, value);
    default:
      return {
        rule: 'schema/pattern',
        at: { path, part: 'value' },
        message: `${what} ${error.message ?? 'is not valid'}`,
      };
  }
}
