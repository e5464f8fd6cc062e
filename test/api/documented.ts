import { expect } from 'vitest';
import { errorsOf, statusOf } from '../../src/api/common-errors.ts';
import type { Route } from '../../src/api/route.ts';
import type { ErrorCode } from '../../src/errors/catalogue.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { raw, type Answer } from '../node/raw-request.ts';
import { secondOpinion } from './second-opinion.ts';

type AnyRoute = Pick<Route<never>, 'id' | 'method' | 'path' | 'answers' | 'errors' | 'right' | 'fresh'>;

/** Fails where a route answers what its value and its document do not announce: another status, type, body or error. */
export function expectDocumented(route: AnyRoute, answer: Answer<unknown>): void {
  const { status, headers, body } = answer;
  const said = `${route.id}: ${status} ${JSON.stringify(body)?.slice(0, 500)}`;
  const { method, path } = route;
  expect(secondOpinion({ method, path, status, type: headers['content-type'] ?? null, body, headers }), said).toEqual(
    [],
  );
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
  expect(errorsOf(route), said).toContain(code);
  expect(status, said).toBe(statusOf(code));
}

/** In this order: id of the route, what stands in its path, body, headers, and what has to happen before. */
export type AskedRoute = readonly [
  id: string,
  params?: Readonly<Record<string, string>>,
  body?: string | Buffer,
  headers?: Record<string, string | undefined>,
  before?: () => Promise<unknown>,
];

/**
 * Asks for each of these in turn; each route has to be asked for at least once, and to answer what it announces.
 * @returns the routes that never answered well
 */
export async function askAll(
  at: Parameters<typeof raw>[0],
  routes: readonly AnyRoute[],
  asked: readonly AskedRoute[],
): Promise<string[]> {
  const well = new Set<string>();
  for (const [id, params = {}, body, headers, before] of asked) {
    const route = routes.find((one) => one.id === id);
    if (!route) throw new Error(`there is no route ${id}`);
    await before?.();
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
    const answer = await raw<unknown>(at, route.method, path, body, headers);
    expectDocumented(route, answer);
    if (answer.status < 300) well.add(id);
  }
  const ids = routes.map(({ id }) => id);
  expect(
    ids.filter((id) => !asked.some(([one]) => one === id)),
    'routes that nobody asked for',
  ).toEqual([]);
  return ids.filter((id) => !well.has(id));
}
