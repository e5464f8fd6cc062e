import { Readable } from 'node:stream';
import type { ErrorObject } from 'ajv/dist/2020.js';
import { SendenseError } from '../errors/sendense-error.ts';
import { validatorOf } from '../schemas/validator.ts';
import { httpError } from './error-answer.ts';
import { assertNumber } from './numbers.ts';
import type { Parameter, Route } from './route.ts';
import { assertWords } from './words.ts';

/** Some parameters as they came. */
export type Given = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a route names, of what came. @throws SendenseError `request.invalid` with the name of what is missing or wrong */
export function checkParams(
  named: Readonly<Record<string, Parameter>> | undefined,
  given: Given,
  what: 'part of the path' | 'parameter' | 'header',
  others: 'refused' | 'ignored' = 'ignored',
): Record<string, string> {
  const params: Record<string, string> = {};
  if (others === 'refused') assertNoOthers(named ?? {}, given);
  for (const [name, parameter] of Object.entries(named ?? {})) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (parameter.required && !value) throw invalid(`the ${what} ${name} is missing`, name);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw invalid(`the ${what} ${name} comes several times`, name);
    assertFits(name, value, parameter);
    params[name] = value;
  }
  return params;
}

function assertFits(name: string, value: string, { schema, words, several = false, number }: Parameter): void {
  if (schema !== undefined) assertAllowed(schema, name, value);
  if (words) assertWords(name, value, { words, several });
  if (number) assertNumber(name, value, number);
}

/** Ids that come in a path go into file names: only what the schema allows gets through. */
function assertAllowed(schema: string, name: string, value: string): void {
  const validate = validatorOf(schema);
  if (validate(value)) return;
  const [first] = validate.errors ?? [];
  const allowed: unknown = first?.params['allowedValues'];
  if (Array.isArray(allowed)) throw invalid(`${name} must be one of ${allowed.join(', ')}`, name);
  throw invalid(`${name} is not valid: ${first?.message ?? ''}`, name);
}

/** What is misspelt would be taken for left out. */
function assertNoOthers(named: Readonly<Record<string, Parameter>>, given: Given): void {
  const other = Object.keys(given).find((name) => !Object.hasOwn(named, name));
  if (other === undefined) return;
  const names = Object.keys(named);
  // A name as ours are, with a slip: what else stands there may be a secret.
  const shown = /^[a-z_][a-z_-]{0,23}$/i.test(other) ? other : 'the query';
  const there = names.length === 0 ? 'this request takes none' : `there are ${names.join(', ')}`;
  throw invalid(`${shown} is no parameter of this request: ${there}`, shown);
}

/** The body that a route announces, as it came; undefined where it announces none. @throws 415, SendenseError `request.invalid` */
export function checkBody({ body: announced }: Pick<Route<unknown>, 'body'>, body: unknown): unknown {
  if (!announced) {
    if (isNothing(body)) return undefined;
    throw invalid('this request takes no body', '/');
  }
  const streams = body instanceof Readable;
  if (streams !== 'stream' in announced)
    throw httpError(415, `the body must be ${streams ? 'application/json' : 'application/octet-stream'}`);
  return 'schema' in announced ? checkJson(announced.schema, body) : body;
}

/** Who wants something by a body that nobody reads would be told that it was done. */
const isNothing = (body: unknown): boolean =>
  body == null ||
  (typeof body === 'object' && !(body instanceof Readable) && Object.keys(body).length === 0 && !Array.isArray(body));

/**
 * A value that its schema allows, defaults filled in.
 * @throws SendenseError `request.invalid` with a JSON pointer to the field; never quotes a value, it may be a secret
 */
function checkJson(schema: string, body: unknown): unknown {
  const validate = validatorOf(schema);
  if (validate(body)) return body;
  const [first] = validate.errors ?? [];
  const field = first ? fieldOf(first) : '/';
  throw invalid(`${field || 'the body'} ${first ? wordsOf(first) : 'is invalid'}`, field);
}

function wordsOf({ keyword, params, message = 'is invalid' }: ErrorObject): string {
  if (keyword === 'required') return 'is missing';
  if (keyword === 'additionalProperties') return 'is none of the fields that there are';
  const allowed: unknown = params['allowedValues'];
  return Array.isArray(allowed) ? `must be one of ${allowed.join(', ')}` : message;
}

/** The field itself where it is missing or too much, not the object around it. */
function fieldOf(error: ErrorObject): string {
  const name: unknown = error.params['missingProperty'] ?? error.params['additionalProperty'];
  return typeof name === 'string' ? `${error.instancePath}/${name}` : error.instancePath;
}

const invalid = (message: string, field: string): SendenseError =>
  new SendenseError('request.invalid', message, { details: { field } });
