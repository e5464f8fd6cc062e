import type { Readable, Writable } from 'node:stream';
import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import { describeErrors, validatorOf } from '../../schemas/validator.ts';

/** Bytes of the longest line that is read. */
const longestLine = 16 * 1024;

/**
 * The lines of a stream, as they come; ends with it. Who stops reading before leaves the stream as it is.
 * @throws SendenseError `request.invalid` for a line that is too long; what the stream fails with
 */
export async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of input.iterator({ destroyOnReturn: false })) {
    rest += (chunk as Buffer).toString('latin1');
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      // Bytes were kept one to one, so that a character in two chunks stays whole.
      yield Buffer.from(rest.slice(0, end), 'latin1').toString('utf8');
      rest = rest.slice(end + 1);
    }
    if (rest.length > longestLine) throw invalid(`a line is longer than ${longestLine} bytes`);
  }
}

/** A line as JSON of that schema. @throws SendenseError `request.invalid` */
export function parseLine<T>(schema: string, line: string): T {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (cause) {
    throw invalid('the line is not JSON', cause);
  }
  const validate = validatorOf(schema);
  if (!validate(value)) throw invalid(describeErrors(validate.errors));
  return value as T;
}

/** Resolves when it is with the system, so that the process may end. */
export const writeLine = (output: Writable, value: unknown): Promise<void> =>
  new Promise((resolve) => void output.write(`${JSON.stringify(value)}\n`, () => resolve()));

export const errorLine = (error: unknown): { error: ReturnType<typeof errorToJson> } => ({ error: errorToJson(error) });

const invalid = (message: string, cause?: unknown): SendenseError =>
  new SendenseError('request.invalid', message, {
    ...(cause === undefined ? {} : { cause }),
    remedy: 'Check that hub and node have the same version.',
  });
