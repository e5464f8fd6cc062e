import type { Readable } from 'node:stream';
import type { ErrorCode } from '../errors/catalogue.ts';
import type { SendenseError } from '../errors/sendense-error.ts';
import type { CameFrom } from './came-from.ts';
import type { Caller } from './caller.ts';

/** One request whose caller, parameters and body were checked. `Parts`: what the routes of an API act with. */
export interface Call<Parts, Body = undefined> extends CameFrom {
  readonly parts: Parts;
  readonly caller: Caller;
  readonly body: Body;
  /** The path's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Those that the route names, decoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Aborts when the caller goes away before the answer. */
  readonly signal: AbortSignal;
  /** Only the head of the answer is wanted: what stands in its stream is read by nobody. */
  readonly isHead: boolean;
  /** A header of the request, its name in small letters; null where it is missing or comes several times. */
  header(name: string): string | null;
  readonly answer: AnswerHead;
}

/** For what a handler answers other than the first of `answers` without headers. */
export interface AnswerHead {
  status(code: number): void;
  type(contentType: string): void;
  header(name: string, value: string | number): void;
  /** For a request of nobody: who it turned out to be. */
  who(name: string): void;
  /** It went wrong, and the answer tells that in a way of its own: for the logs. */
  failed(error: SendenseError): void;
  /** A field after the body, asked when the body has ended (RFC 9110, 6.5). */
  trailer(name: string, value: () => string): void;
}

export type NumberRange = readonly [least: number, most: number];

/** A parameter of the path or the query, or a header. */
export interface Parameter {
  readonly description: string;
  /** Name of its schema below `schemas/`, as in `validatorOf`; any text where there is none. */
  readonly schema?: string;
  /** It is one of these. */
  readonly words?: readonly string[];
  /** Several of `words` may stand there, with commas between them. */
  readonly several?: boolean;
  /** It is a whole number, at least and at most so large. */
  readonly number?: NumberRange;
  readonly required?: boolean;
  /** The lines of the log about the request, and the audit log, have it under this name. */
  readonly logAs?: string;
  /** The audit log has it under its own name, as this writes it: no log has it. */
  factOf?(text: string): string;
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
  /** Those that it sets itself; its API may add some (`etags`, `locates`). */
  readonly headers?: readonly AnswerHeader[];
}

/** Headers of answers, which the API's document describes. */
export const answerHeaders = {
  'etag': 'The version of what is answered: for `If-None-Match`, and for `If-Match` where a change takes it.',
  'location': 'Where to look at what was made or begun.',
  'content-range': 'Which part of the file this is.',
  'content-disposition': 'Name for the file.',
} as const satisfies Readonly<Record<string, string>>;

export type AnswerHeader = keyof typeof answerHeaders;

/** What a caller of an API without users brings: `token` the API's token, `one-time` a ticket for one call of one route (`one-time.ts`). */
export type Credential = 'token' | 'one-time';

/** The right of a route that everybody may call. */
export const publicRight = 'public';

/**
 * One request of an API. What registers it (`register.ts`) and what describes it (`openapi.ts`) read the same value, so that
 * they cannot disagree.
 */
export interface Route<Parts, Body = unknown> {
  /** Stays the same between versions: what generated clients call it. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As OpenAPI writes it: `/api/v1/jobs/{job}/log`. */
  readonly path: string;
  /** One of the API's `tags`. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Of an API without users; default: only `token`. */
  readonly credentials?: readonly Credential[];
  /** Of an API with users: what its caller must have the right to; {@link publicRight}: nothing. */
  readonly right?: string;
  /**
   * What it does for a caller whose rights hold for some VMs only: `heeded`, it asks `caller.mayVm` about each VM that it is asked for or
   * tells of; `none`, it tells nothing of VMs. Without this, such a caller is refused.
   */
  readonly vms?: 'heeded' | 'none';
  /** It destroys something: a user has to type the password again, unless that was less than ten minutes ago. */
  readonly fresh?: boolean;
  readonly params?: Readonly<Record<string, Parameter>>;
  /** A request that has others is refused, unless `anyQuery`. */
  readonly query?: Readonly<Record<string, Parameter>>;
  /** Others make the query: what it has beside the parameters is ignored. */
  readonly anyQuery?: boolean;
  readonly headers?: Readonly<Record<string, Parameter>>;
  /** Without one, a request that has a body other than `{}` is refused. */
  readonly body?: RequestBody;
  /** By status; the first is what a handler answers that says nothing else. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** What it may answer with beside what every request may: `errorsOf` of `common-errors.ts`. */
  readonly errors: readonly ErrorCode[];
  /** Asked all the time and of no interest when it goes well: not logged above debug. */
  readonly quiet?: boolean;
  /** Its answer may begin late and pause for as long as it wants: the limit of silent connections does not end it. */
  readonly patient?: boolean;
  /** Whether it changes something, so that the audit log has it; default: unless its method is GET. */
  readonly changes?: boolean;
  /** It changes nothing, and yet the audit log has who asked for it and did not get it. */
  readonly watched?: boolean;
  /** What the lines of the log about the request, and the audit log, have from its body. */
  logOf?(body: Body): Readonly<Record<string, string>>;
  /** What the audit log alone has from its body. */
  auditOf?(body: Body): Readonly<Record<string, string>>;
  /** Whom the audit log names for a request of nobody: who logs in. Empty: nobody that is known. */
  whoOf?(call: Pick<Call<Parts, Body>, 'parts' | 'body'>): string;
  /** Answers an object for JSON, text or a stream for other types, undefined for nothing. */
  handle(call: Call<Parts, Body>): Promise<object | string | Readable | undefined>;
}

/** An API: its routes, and what its document says beside them. */
export interface Api<Parts> {
  /** In messages: `the node`. */
  readonly name: string;
  /** What who asks for a path that there is not can do; default: the catalogue's sentence. */
  readonly help?: string;
  readonly title: string;
  readonly summary: string;
  /** JSON answers have ETags, by which a caller that has them already is answered 304. */
  readonly etags?: boolean;
  /** Its routes say with every 202 where to look (`location`). */
  readonly locates?: boolean;
  readonly server: { readonly url: string; readonly description: string };
  /** Where the token is. */
  readonly token: string;
  /** Where tokens are that give one right, by right. */
  readonly tokensOfRights?: Readonly<Record<string, string>>;
  /** What the routes are about, by tag. */
  readonly tags: Readonly<Record<string, string>>;
  readonly routes: readonly Route<Parts>[];
}
