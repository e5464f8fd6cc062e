import type { Finding } from '../../errors/findings/finding.ts';
import type { DiagnosticOutput } from '../../schemas/types.ts';
import { lineAndColumn, pathOf, pointerOf, spanAt, type PlanDocument } from '../yaml/document.ts';
import { rules, type RuleId } from '../../errors/findings/rules.ts';

/** One finding; lines and columns count from 1, the end is exclusive. */
export type Diagnostic = DiagnosticOutput & { readonly rule: RuleId };

export function diagnosticOf(document: PlanDocument, finding: Finding): Diagnostic {
  const { at } = finding;
  const span = 'span' in at ? at.span : spanAt(document, at.path, at.part ?? 'key');
  const start = lineAndColumn(document.lineStarts, span.start);
  const end = lineAndColumn(document.lineStarts, Math.max(span.end, span.start));
  return {
    rule: finding.rule,
    severity: 'error',
    file: document.file,
    line: start.line,
    column: start.column,
    end_line: end.line,
    end_column: end.column,
    path: pointerOf(at.path ?? []),
    message: finding.message,
    allowed: [...(finding.allowed ?? [])],
    suggestion: finding.suggestion ?? null,
    remedy: finding.remedy ?? rules[finding.rule].remedy,
  };
}

/** A finding about a whole file that could not be read or parsed. */
export const fileDiagnostic = (file: string, rule: RuleId, message: string, remedy?: string): Diagnostic => ({
  rule,
  severity: 'error',
  file,
  line: 1,
  column: 1,
  end_line: 1,
  end_column: 1,
  path: '',
  message,
  allowed: [],
  suggestion: null,
  remedy: remedy ?? rules[rule].remedy,
});

/** In the order of the text, each mistake once, however many aliases lead to it. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return [...diagnostics]
    .sort((a, b) => a.line - b.line || a.column - b.column || a.rule.localeCompare(b.rule))
    .filter((item) => {
      const key = `${item.file}:${item.line}:${item.column}:${item.rule}:${item.message}`;
      return seen.has(key) ? false : seen.add(key);
    });
}

/** Whether a pointer leads into something that may hold a secret: its value is not repeated in messages or excerpts. */
export const isSecretPointer = (pointer: string): boolean => pathOf(pointer).some((part) => secretKey.test(part));

export const secretKey = /token|secret|pass(?:w|phrase|(?![a-z]))|pwd|credential|private.?key/i;
