import type { ErrorObject } from 'ajv/dist/2020.js';
import { SendenseError } from '../../errors/sendense-error.ts';
import { validatorOf } from '../../schemas/validator.ts';

/**
 * A body that its schema allows, defaults filled in.
 * @throws SendenseError `request.invalid` with a JSON pointer to the field; never quotes a value, it may be a secret
 */
export function checkBody<T>(schema: string, body: unknown): T {
  const validate = validatorOf(schema);
  if (validate(body)) return body as T;
  const [first] = validate.errors ?? [];
  const field = first ? fieldOf(first) : '/';
  throw new SendenseError('request.invalid', `${field || 'the body'} ${first?.message ?? 'is invalid'}`, {
    details: { field },
  });
}

/** The field itself where it is missing or too much, not the object around it. */
function fieldOf(error: ErrorObject): string {
  const name: unknown = error.params['missingProperty'] ?? error.params['additionalProperty'];
  return typeof name === 'string' ? `${error.instancePath}/${name}` : error.instancePath;
}

/** Ids that come in a path go into file names: only what the schema allows gets through. */
export function checkParam(schema: string, name: string, value: string): string {
  const validate = validatorOf(schema);
  if (validate(value)) return value;
  throw new SendenseError('request.invalid', `${name} is not valid: ${validate.errors?.[0]?.message ?? ''}`, {
    details: { field: name },
  });
}
