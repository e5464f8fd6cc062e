import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Runner } from '../../schemas/types.ts';
import { describeErrors, packageRoot, validatorOf } from '../../schemas/validator.ts';
import { parseDocument, valueOf } from '../yaml/parse-document.ts';
import { readDocument } from '../yaml/read-document.ts';
import { planKinds } from '../diagnostics/schema-node.ts';

const runners = new Map<string, Runner>();

/** The shipped pipeline of a kind. Not to be changed: every caller gets the same one. */
export function loadRunner(kind: string): Runner {
  let runner = runners.get(kind);
  if (!runner) runners.set(kind, (runner = read(kind)));
  return runner;
}

function read(kind: string): Runner {
  if (!planKinds().includes(kind)) throw new SendenseError('run.internal', `there is no runner for the kind ${kind}`);
  const file = join(packageRoot, 'runners', `${kind}.yaml`);
  const source = readDocument(file);
  if (!('text' in source)) throw new SendenseError('run.internal', source.diagnostic.message);
  const { document, diagnostics } = parseDocument({ file, text: source.text });
  const first = diagnostics[0];
  if (first) throw new SendenseError('run.internal', `${file}:${first.line}: ${first.message}`);
  const value = valueOf(document);
  const validate = validatorOf('runner.json');
  if (!validate(value)) throw new SendenseError('run.internal', `${file}: ${describeErrors(validate.errors)}`);
  return value as Runner;
}
