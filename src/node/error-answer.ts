import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors/catalogue.ts';
import { errorToJson, SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import type { NodeError } from '../schemas/types.ts';

/** HTTP status of what is not simply a failure of this machine (500). */
const statuses: Partial<Record<ErrorCode, number>> = {
  'request.invalid': 400,
  'node.refused': 401,
  'job.unknown': 404,
  'node.busy': 409,
  'source.busy': 409,
  'source.changed': 409,
  'source.missing': 422,
  'source.unsupported': 422,
  'file.unreadable': 422,
  'disk.full': 507,
};

/** Every error of the API in one shape, `schemas/node/error.json`. */
export function answerError(raw: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  const refused = (raw as FastifyError).statusCode;
  const byFastify = refused !== undefined && refused >= 400 && refused < 500;
  const error = byFastify ? new SendenseError('request.invalid', raw.message) : toSendenseError(raw);
  const status = byFastify ? refused : (statuses[error.code] ?? 500);
  if (status >= 500) request.log.error({ code: error.code, message: error.message }, 'request failed');
  const field = error.details?.['field'];
  const body: NodeError = { error: errorToJson(error), field: typeof field === 'string' ? field : null };
  void reply.code(status).send(body);
}
