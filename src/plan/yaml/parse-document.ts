import { dirname, resolve } from 'node:path';
import { isScalar } from 'yaml';
import { aliasDiagnostics, aliasesOf } from './alias-diagnostics.ts';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { lineStartsOf, type PlanDocument } from './document.ts';
import { composeDocument } from './compose-document.ts';
import { maxNesting, tokensOf, type Excess } from './nesting.ts';
import { numberDiagnostics } from './number-diagnostics.ts';
import { syntaxDiagnostics } from './syntax-diagnostics.ts';

export interface ParsedDocument {
  readonly document: PlanDocument;
  readonly diagnostics: readonly Diagnostic[];
  /** Whether `document.value` can be checked further. */
  readonly intact: boolean;
}

/** Text -> YAML 1.2 core with `<<`; warnings of the parser are errors. */
export function parseDocument({
  file,
  text,
  folder = dirname(resolve(file)),
}: {
  file: string;
  text: string;
  folder?: string;
}): ParsedDocument {
  const empty: PlanDocument = {
    file,
    folder,
    text,
    yaml: undefined,
    value: undefined,
    aliases: new Map(),
    lineStarts: lineStartsOf(text),
  };
  const conflicts = conflictDiagnostics(empty);
  if (conflicts.length > 0) return { document: empty, diagnostics: conflicts, intact: false };

  const read = tokensOf(text);
  if ('excess' in read) return { document: empty, diagnostics: [excessDiagnostic(empty, read.excess)], intact: false };

  const yaml = composeDocument(read.tokens, text.length);
  const { aliases, anchors } = aliasesOf(yaml);
  const document: PlanDocument = { ...empty, yaml, aliases };
  const syntax = syntaxDiagnostics(document, yaml);
  const diagnostics = [...syntax.diagnostics, ...versionDiagnostics(document), ...numberDiagnostics(document, yaml)];
  if (!syntax.intact) return { document, diagnostics, intact: false };
  if (yaml.contents === null || (isScalar(yaml.contents) && yaml.contents.value === null)) {
    diagnostics.push(
      diagnosticOf(document, {
        rule: 'yaml/empty',
        at: { span: { start: 0, end: 0 } },
        message: 'the file holds nothing but space and comments',
      }),
    );
    return { document, diagnostics, intact: false };
  }
  const wrongAliases = aliasDiagnostics(document, yaml, anchors);
  diagnostics.push(...wrongAliases);
  if (wrongAliases.length > 0) return { document, diagnostics, intact: false };
  return { document: { ...document, value: yaml.toJS({ maxAliasCount: -1 }) as unknown }, diagnostics, intact: true };
}

/** A fresh copy of the document's value, for what fills in defaults. */
export const valueOf = (document: PlanDocument): unknown => structuredClone(document.value);

function versionDiagnostics(document: PlanDocument): Diagnostic[] {
  const directives = document.yaml?.directives?.yaml;
  if (!directives?.explicit || directives.version === '1.2') return [];
  const start = Math.max(document.text.indexOf('%YAML'), 0);
  return [
    diagnosticOf(document, {
      rule: 'yaml/syntax',
      at: { span: { start, end: start + '%YAML 1.x'.length } },
      message: `YAML ${directives.version} reads some values differently; only YAML 1.2 is accepted`,
      remedy: 'Remove the %YAML line.',
    }),
  ];
}

const excessDiagnostic = (document: PlanDocument, { what, at }: Excess): Diagnostic =>
  diagnosticOf(document, {
    rule: what === 'levels' ? 'yaml/syntax' : 'yaml/too-large',
    at: { span: { start: at, end: at + 1 } },
    message:
      what === 'levels'
        ? `lists and mappings are nested more than ${maxNesting} levels deep`
        : 'the file holds more words and signs than a plan can have',
    remedy: 'No plan or settings file is nested that deep. Look for a file of another kind, or for open brackets.',
  });

function conflictDiagnostics(document: PlanDocument): Diagnostic[] {
  const markers = [...document.text.matchAll(/^(?:<{7}|>{7})(?: [^\n]*)?(?=\r?$)/gm)];
  return markers
    .filter((marker) => marker[0].startsWith('<') || !markers.some((other) => other[0].startsWith('<')))
    .map((marker) =>
      diagnosticOf(document, {
        rule: 'yaml/merge-conflict',
        at: { span: { start: marker.index, end: marker.index + marker[0].length } },
        message: 'a merge conflict was not resolved',
      }),
    );
}
