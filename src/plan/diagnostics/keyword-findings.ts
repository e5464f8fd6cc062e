import type { Finding, Path } from '../../errors/findings/finding.ts';
import type { ErrorObject } from 'ajv';
import { isSecretPointer } from './diagnostic.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { pathOf, spanAt, type PlanDocument } from '../yaml/document.ts';
import { isSecretReference, isStepChoice, schemaAt } from './fold-schema-errors.ts';
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
import { described, placeWords, shown, wordOf } from '../../errors/findings/words.ts';

/** One error of ajv, and what is known of its place. */
interface Mistake {
  readonly document: PlanDocument;
  readonly error: ErrorObject;
  readonly root: SchemaNode;
  readonly path: Path;
  readonly value: unknown;
  /** The schema that the value does not fit. */
  readonly schema: Record<string, unknown>;
  /** The value may be a secret. */
  readonly hidden: boolean;
  /** The description of the schema. */
  readonly about: string | undefined;
  /** The place in words. */
  readonly what: string;
  /** A text as it may be shown. */
  said(text: unknown): string;
}

/** What each keyword of JSON Schema says. */
const byKeyword: Readonly<Record<string, (mistake: Mistake) => Finding | null>> = {
  additionalProperties: unknownKey,
  required: missingKey,
  type: wrongType,
  enum: notAllowed,
  const: notAllowed,
  discriminator: wrongTag,
  pattern: wrongForm,
  propertyNames: wrongName,
  format: noTime,
  oneOf: noBranch,
  anyOf: noBranch,
  uniqueItems: twice,
  minProperties: wrongCount,
  maxProperties: wrongCount,
  minLength: outOfRange,
  minItems: outOfRange,
  maxItems: outOfRange,
  minimum: outOfRange,
  maximum: outOfRange,
};

/** An error of ajv as a finding. @param prefix where in the document the validated value stands */
export function findingOf(document: PlanDocument, error: ErrorObject, root: SchemaNode, prefix: Path): Finding | null {
  const path: Path = [...prefix, ...pathOf(error.instancePath)];
  const schema = (error.parentSchema ?? {}) as Record<string, unknown>;
  const hidden = isSecretPointer(error.instancePath);
  const named = path.findLastIndex((part) => !/^\d+$/.test(String(part)));
  return (byKeyword[error.keyword] ?? other)({
    document,
    error,
    root,
    path,
    value: error.data as unknown,
    schema,
    hidden,
    about: typeof schema['description'] === 'string' ? schema['description'] : undefined,
    what: path.length === 0 ? 'this' : placeWords(path.slice(Math.max(named, 0))),
    said: (text) => (hidden ? 'the value' : shown(text)),
  });
}

function unknownKey({ document, error, root, path, schema }: Mistake): Finding | null {
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

function missingKey({ error, path, schema }: Mistake): Finding | null {
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
    message: path.length === 0 ? `the key ${shown(key)} is missing` : `${placeWords(path)} lacks the key ${shown(key)}`,
    remedy: `Add "${key}: …".${hint}`,
  };
}

function wrongType({ document, error, path, value, schema, hidden, about, what }: Mistake): Finding | null {
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

function notAllowed({ error, path, value, what, said }: Mistake): Finding | null {
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

function wrongTag({ error, root, path, schema }: Mistake): Finding | null {
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

function wrongForm({ error, path, value, about, what, said }: Mistake): Finding | null {
  const home = homePathFinding(path, what, String(error.params['pattern']), value);
  if (home !== null) return home;
  const noun = /^(An? [^:]+):/.exec(about ?? '')?.[1]?.replace(/^A/, 'a');
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
      : { remedy: noun ? `Write ${about.charAt(0).toLowerCase()}${about.slice(1)}` : `Expected: ${about}` }),
  };
}

function wrongName({ error, path, schema }: Mistake): Finding | null {
  const form = (schema['propertyNames'] as Record<string, unknown> | undefined)?.['description'];
  return {
    rule: 'schema/pattern',
    at: { path: [...path, String(error.params['propertyName'])] },
    message: `${shown(error.params['propertyName'])} cannot be a name here`,
    remedy:
      typeof form === 'string'
        ? `Expected: ${form}`
        : 'Use letters, digits, dot, dash and underscore; begin with a letter or digit.',
  };
}

function noTime({ path, value, said }: Mistake): Finding | null {
  return {
    rule: 'restore/point-time',
    at: { path, part: 'value' },
    message: `${said(value)} is not a time with date and zone`,
  };
}

function noBranch({ document, error, root, path, value, schema, hidden, what }: Mistake): Finding | null {
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

function twice({ error, path, value, what }: Mistake): Finding | null {
  return uniqueFinding(path, what, value as unknown[], Math.max(Number(error.params['i']), Number(error.params['j'])));
}

function wrongCount({ error, path, value, what }: Mistake): Finding | null {
  if (isSecretReference(error))
    return {
      rule: 'secret/reference',
      at: { path },
      message: 'a reference to a secret has exactly one of file, env, systemd and command',
    };
  return rangeFinding(path, what, error, value);
}

function outOfRange({ error, path, value, what }: Mistake): Finding | null {
  return rangeFinding(path, what, error, value);
}

function other({ error, path, what }: Mistake): Finding | null {
  return {
    rule: 'schema/pattern',
    at: { path, part: 'value' },
    message: `${what} ${error.message ?? 'is not valid'}`,
  };
}
