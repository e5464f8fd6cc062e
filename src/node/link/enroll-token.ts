import { SendenseError } from '../../errors/sendense-error.ts';
import { parsePublicKey } from '../../host/ssh/keys.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { EnrollToken } from '../../schemas/types.ts';
import { validatorOf } from '../../schemas/validator.ts';

const prefix = 'sendense1.';

/** Reads what `sendense-run node add` printed. @throws SendenseError `enroll.token`, without repeating any of it */
export function parseEnrollToken(text: string): EnrollToken {
  const token = text.trim();
  if (token === '') throw malformed('it is empty');
  if (!token.startsWith(prefix)) throw malformed(`it does not begin with ${prefix}`);
  const body = token.slice(prefix.length);
  if (!/^[A-Za-z0-9_-]+$/.test(body)) throw malformed('it holds characters that no token has');
  let value: unknown;
  try {
    value = parseJson(Buffer.from(body, 'base64url').toString('utf8'));
  } catch {
    throw malformed('a part of it is missing or wrong');
  }
  if (!validatorOf('link/token.json')(value)) throw malformed('it was made by another version of the hub');
  const content = value as EnrollToken;
  if (parsePublicKey(content.host_key) === null) throw malformed('the host key in it is none');
  return content;
}

const malformed = (why: string): SendenseError =>
  new SendenseError('enroll.token', `the enrolment token cannot be read: ${why}`, {
    remedy: 'Copy the whole line that `sendense-run node add NAME` printed on the hub.',
  });
