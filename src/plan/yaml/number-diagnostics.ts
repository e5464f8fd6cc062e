import { visit, type Document } from 'yaml';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { PlanDocument } from './document.ts';

/** Numbers that would be read as others: what stands in the file is not what a command or a limit would get. */
export function numberDiagnostics(document: PlanDocument, yaml: Document): Diagnostic[] {
  const found: Diagnostic[] = [];
  visit(yaml, {
    Scalar(_key, { value, source = '', range }) {
      if (typeof value !== 'number' || isExact(value, source)) return;
      const [start = 0, end = 0] = range ?? [];
      found.push(
        diagnosticOf(document, {
          rule: 'yaml/number',
          at: { span: { start, end } },
          message: Number.isFinite(value)
            ? `the number has more digits than can be kept: it would be read as ${BigInt(value)}`
            : 'the number is larger than any that can be kept',
        }),
      );
    },
  });
  return found;
}

function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  if (Number.isSafeInteger(value) || !/^[-+]?(?:\d+|0x[\da-f]+|0o[0-7]+)$/i.test(source)) return true;
  return BigInt(source.replace(/^[-+]/, '')) === BigInt(Math.abs(value));
}
