import { catalogue, type ErrorCode } from '../errors/catalogue.ts';
import { publicRight, type Route } from './route.ts';

/** Codes that every request may be answered with. */
const commonErrors: readonly ErrorCode[] = ['request.invalid', 'node.limited', 'run.internal'];

/** All codes that a route may be answered with: its own, those of every request, and those of who may not call. */
export function errorsOf({ errors, right, fresh }: Pick<Route<never>, 'errors' | 'right' | 'fresh'>): ErrorCode[] {
  const refusals: readonly ErrorCode[] =
    right === undefined ? ['node.refused'] : right === publicRight ? [] : ['access.login', 'access.right'];
  const stale: readonly ErrorCode[] = fresh === true ? ['access.stale'] : [];
  return [...new Set([...commonErrors, ...refusals, ...stale, ...errors])];
}

/** HTTP status of an error. */
export const statusOf = (code: ErrorCode): number => catalogue[code].http;
