import { expect } from 'vitest';
import { commonErrors, statusOf } from '../../src/api/common-errors.ts';
import type { Route } from '../../src/api/route.ts';
import type { ErrorCode } from '../../src/errors/catalogue.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import type { Answer } from '../node/raw-request.ts';

type AnyRoute = Pick<Route<never>, 'id' | 'answers' | 'errors'>;

/** Fails where a route answers what its value does not announce: another status, type, body or error. */
export function expectDocumented(route: AnyRoute, answer: Answer<unknown>): void {
  const { status, headers, body } = answer;
  const said = `${route.id}: ${status} ${JSON.stringify(body)?.slice(0, 500)}`;
  const announced = route.answers[status];
  if (announced) {
    const schemas = [announced.schema ?? []].flat();
    if (schemas.length > 0)
      expect(
        schemas.some((schema) => validatorOf(schema)(body)),
        said,
      ).toBe(true);
    const type = announced.type ?? (schemas.length > 0 ? 'application/json' : undefined);
    if (type !== undefined) expect(headers['content-type'], said).toContain(type);
    else expect(body, said).toBeNull();
    return;
  }
  expect(validatorOf('api/error.json')(body), said).toBe(true);
  const { code } = (body as { readonly error: { readonly code: ErrorCode } }).error;
  expect([...commonErrors, ...route.errors], said).toContain(code);
  expect(status, said).toBe(statusOf(code));
}
