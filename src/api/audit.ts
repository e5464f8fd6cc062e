import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors/catalogue.ts';
import { toSendenseError } from '../errors/sendense-error.ts';
import { nobody, type CallerKind } from './caller.ts';
import { errorAnswer } from './error-answer.ts';
import { limitPerMinute } from '../host/net/limit-per-minute.ts';
import { peerOf } from './guard.ts';
import type { Route } from './route.ts';

/** A request that changes something. */
export interface AuditedRequest {
  /** Name of the user or token; empty: nobody that is known. */
  readonly who: string;
  readonly caller: CallerKind;
  readonly address: string;
  /** Id of the route. */
  readonly action: string;
  /** What the lines of the log have of parameters and body. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface AuditedAnswer {
  readonly status: number;
  readonly error: ErrorCode | null;
}

/** Where an API writes down who changed what. */
export interface ApiAudit {
  /** Writes down that it begins. What cannot be written down is not done. @returns what writes down its end */
  begin(request: AuditedRequest): (answer: AuditedAnswer) => void;
}

type Audited = Pick<Route<never>, 'id' | 'method' | 'changes'>;

const isAudited = ({ method, changes = method !== 'GET' }: Audited): boolean => changes;

export interface AuditedCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly facts: Readonly<Record<string, string>>;
  /** Who it is about where nobody calls: who logs in. */
  readonly who: string;
}

/** Does what a request asks for, and writes down that it was asked for and what became of it. */
export async function audited<T>(
  audit: ApiAudit | undefined,
  route: Audited,
  { request, reply, facts, who }: AuditedCall,
  act: () => Promise<T>,
): Promise<T> {
  if (!audit || !isAudited(route)) return await act();
  request.audited = true;
  const { caller = nobody } = request;
  const begin = (): ReturnType<ApiAudit['begin']> =>
    audit.begin({
      who: who || request.who || caller.name,
      caller: caller.kind,
      address: peerOf(request),
      action: route.id,
      facts,
    });
  // What everybody may ask for is written down once it is known not to be one of too many.
  const end = caller.kind === 'nobody' ? undefined : begin();
  const ended = (answer: AuditedAnswer): void => {
    if (end) tryTo(request, () => end(answer));
    else if (answer.error !== 'node.limited') begin()(answer);
  };
  let result: T;
  try {
    result = await act();
  } catch (error) {
    ended({ status: errorAnswer(error as Error).status, error: toSendenseError(error).code });
    throw error;
  }
  ended({ status: reply.statusCode, error: request.failure?.code ?? null });
  return result;
}

/** Writes down what known callers asked for and were refused before anything was done, or did not get. */
export function auditRefusals(app: FastifyInstance, audit: ApiAudit): void {
  const refusals = limitPerMinute(refusalsPerMinute);
  app.addHook('onResponse', async (request, reply) => {
    const { route } = request.routeOptions.config;
    const { caller, failure } = request;
    if (!route || !caller || caller.kind === 'nobody') return;
    if (!isAudited(route) && !(route.watched === true && reply.statusCode >= 400)) return;
    if (request.audited === true || failure?.code === 'node.limited') return;
    const taken = refusals(caller.identity);
    if (!taken.allowed) {
      if (taken.first) request.log.warn(`${caller.name} is refused often: the audit log has no more of it this minute`);
      return;
    }
    const facts = {
      ...namedFacts(route.params, request.params as Given),
      ...(route.watched === true && namedFacts(route.query, request.query as Given)),
    };
    const act = { who: caller.name, caller: caller.kind, address: peerOf(request), action: route.id, facts };
    tryTo(request, () => audit.begin(act)({ status: reply.statusCode, error: failure?.code ?? null }));
  });
}

/** Entries of one caller: who asks for what it may not do could fill the log. What it changes is written down always. */
const refusalsPerMinute = 60;

/** Characters of a parameter that nobody has checked. */
const longestFact = 1000;

type Given = Readonly<Record<string, unknown>>;

const namedFacts = (named: Route<never>['params'], given: Given): Record<string, string> =>
  Object.fromEntries(
    Object.entries(named ?? {}).flatMap(([name, { logAs, factOf }]) => {
      const values = [given[name] ?? []].flat().map(String);
      const fact = logAs ?? (factOf && name);
      if (fact === undefined || values.length === 0) return [];
      const texts = values.map((value) => factOf?.(value) ?? value);
      return [[fact, shortened(texts.join(' '))]];
    }),
  );

/** Without its middle where it is too long: what a path is about stands at its end. */
const shortened = (text: string): string =>
  text.length <= longestFact ? text : `${text.slice(0, longestFact / 2)}…${text.slice(-longestFact / 2)}`;

/** It is done already: that it cannot be written down is for the log. */
function tryTo({ log }: FastifyRequest, write: () => void): void {
  try {
    write();
  } catch (error) {
    log.error(`the audit log cannot be written: ${(error as Error).message}`);
  }
}
