import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../errors/catalogue.ts';
import type { Readable } from 'node:stream';
import type { IndexSpool } from '../jobs/index-spool.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { NodeLimits } from '../limits/limits.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';

/** What the routes act with. */
export interface NodeParts {
  readonly stateDir: string;
  /** Files and folders of the node itself, which are no disks: `stateDir`, and where the token is. */
  readonly own: readonly string[];
  /** Where disks of a hub may be beside its usual places: names and addresses of node.yaml. */
  readonly nbdHosts: readonly string[];
  readonly version: string;
  readonly jobs: Jobs;
  readonly indexes: IndexSpool;
  /** Passwords that sources refused. */
  readonly refused: RefusedLogins;
  readonly limits: NodeLimits;
  readonly metrics: Metrics;
  /** Where the API listens: a socket's path, or host and port; null before it does. */
  address(): string | null;
}

/** One request whose token, path parameters and body were checked. */
export interface Call<Body = undefined> {
  readonly node: NodeParts;
  readonly body: Body;
  /** The path's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborts when the caller goes away before the answer. */
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
  /** For another status than the first of `answers`, and for headers. */
  readonly reply: FastifyReply;
}

/** A parameter of the path, or a header. */
export interface Parameter {
  readonly description: string;
  /** Name of its schema below `schemas/`, as in `validatorOf`; any text where there is none. */
  readonly schema?: string;
  readonly required?: boolean;
}

export type RequestBody =
  /** JSON by a schema below `schemas/`. `bytes`: the most it may have. */
  | { readonly schema: string; readonly bytes: number }
  /** Bytes that stream in. */
  | { readonly stream: string };

export interface Answer {
  readonly description: string;
  /** JSON by a schema below `schemas/`, or by one of several. */
  readonly schema?: string | readonly string[];
  /** Content type of what is not JSON by a schema; nothing comes where there is neither. */
  readonly type?: string;
}

/**
 * One request of the API. What registers it and what describes it (`docs/openapi.json`) read the same value, so that they
 * cannot disagree.
 */
export interface Route<Body = unknown> {
  /** Stays the same between versions: what generated clients call it. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As OpenAPI writes it: `/api/v1/jobs/{job}/log`. */
  readonly path: string;
  readonly tag: 'node' | 'source' | 'transfer' | 'jobs';
  readonly summary: string;
  readonly description?: string;
  readonly params?: Readonly<Record<string, Parameter>>;
  readonly headers?: Readonly<Record<string, Parameter>>;
  readonly body?: RequestBody;
  /** By status; the first is what a handler answers that says nothing else. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** What it may answer with beside what every request may: `commonErrors` of `http/error-status.ts`. */
  readonly errors: readonly ErrorCode[];
  /** Asked all the time and of no interest when it goes well: not logged above debug. */
  readonly quiet?: boolean;
  /** The id of the job that a request is about, where a parameter `job` does not say it. */
  jobOf?(body: Body): string;
  handle(call: Call<Body>): Promise<object | string | Readable | undefined>;
}

export const defineRoute = <Body = undefined>(route: Route<Body>): Route<Body> => route;
