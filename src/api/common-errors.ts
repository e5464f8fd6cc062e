import { catalogue, type ErrorCode } from '../errors/catalogue.ts';

/** Codes that every request may be answered with. */
export const commonErrors: readonly ErrorCode[] = ['request.invalid', 'node.refused', 'node.limited', 'run.internal'];

/** HTTP status of an error. */
export const statusOf = (code: ErrorCode): number => catalogue[code].http;
