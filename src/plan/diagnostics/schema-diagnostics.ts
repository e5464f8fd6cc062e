import type { Path } from '../../errors/findings/finding.ts';
import type { ErrorObject } from 'ajv';
import { diagnosticOf, type Diagnostic } from './diagnostic.ts';
import type { PlanDocument } from '../yaml/document.ts';
import { foldSchemaErrors } from './fold-schema-errors.ts';
import { findingOf } from './keyword-findings.ts';
import type { SchemaNode } from './schema-node.ts';

/** More than these help nobody; what is left is said once these are corrected. */
const mostErrors = 1_000;

/**
 * ajv's errors as diagnostics, one for each mistake.
 * @param root the schema that was validated against
 * @param prefix where in the document the validated value stands
 */
export function schemaDiagnostics(
  document: PlanDocument,
  errors: readonly ErrorObject[],
  root: SchemaNode,
  prefix: Path = [],
): Diagnostic[] {
  const findings = foldSchemaErrors(errors, root)
    .slice(0, mostErrors)
    .map((error) => findingOf(document, error, root, prefix))
    .filter((finding) => finding !== null);
  return findings.map((finding) => diagnosticOf(document, finding));
}
