import type { Finding, Span } from '../../errors/findings/finding.ts';
import { visit, type Document, type YAMLError } from 'yaml';
import { diagnosticOf, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { lineAndColumn, type PlanDocument } from './document.ts';
import { duplicateKeys, type DuplicateKey } from './duplicate-keys.ts';
import { mayBeSecret } from './mask-line.ts';
import { shown } from '../../errors/findings/words.ts';

/** Mistakes that leave the structure of the document as it was meant: everything else can still be checked. */
const local = new Set(['BAD_SCALAR_START', 'BAD_DQ_ESCAPE', 'TAG_RESOLVE_FAILED', 'MULTIPLE_DOCS']);

/** More than this help nobody. */
const mostErrors = 50;

/** Diagnostics of what the parser complains about; `intact` tells whether the rest of the document can be trusted. */
export function syntaxDiagnostics(
  document: PlanDocument,
  yaml: Document,
): { diagnostics: Diagnostic[]; intact: boolean } {
  const errors = [...yaml.errors, ...yaml.warnings];
  const tabs = errors.some((error) => !local.has(error.code)) ? tabIndents(document.text) : [];
  const findings: Finding[] = tabs.map((span) => ({
    rule: 'yaml/tab',
    at: { span },
    message: 'a tab indents this line',
  }));
  const structural = errors.filter((error) => !local.has(error.code));
  for (const error of errors.filter((other) => local.has(other.code)).slice(0, mostErrors))
    findings.push(describe(document, yaml, error));
  // Where the structure is in doubt, so is what seems to be a key.
  const twice = structural.length === 0 ? duplicateKeys(yaml) : [];
  findings.push(...twice.slice(0, mostErrors).map((key) => duplicateFinding(document, key)));
  // What follows the first of these is often only its echo.
  if (structural[0] && tabs.length === 0) findings.push(describe(document, yaml, structural[0]));
  const intact = structural.length === 0;
  return { diagnostics: findings.map((finding) => diagnosticOf(document, finding)), intact };
}

function tabIndents(text: string): Span[] {
  return [...text.matchAll(/^ *(\t+)[ \t]*(?=[^\s#])/gm)].map((match) => {
    const start = match.index + match[0].indexOf('\t');
    return { start, end: start + (match[1]?.length ?? 1) };
  });
}

function duplicateFinding({ text, lineStarts }: PlanDocument, { first, again }: DuplicateKey): Finding {
  const span = wordAt(text, again);
  const hidden = mayBeSecret(lineOf(text, again).text);
  const what = hidden ? 'this key' : `the key ${shown(unquoted(text.slice(span.start, span.end)))}`;
  return {
    rule: 'yaml/duplicate-key',
    at: { span },
    message: `${what} stands twice; it stands in line ${lineAndColumn(lineStarts, first).line} already`,
  };
}

function describe(document: PlanDocument, yaml: Document, error: YAMLError): Finding {
  const { text } = document;
  const span = wordAt(text, error.pos[0]);
  const line = lineOf(text, error.pos[0]);
  const hidden = mayBeSecret(line.text);
  const word = hidden ? '' : text.slice(span.start, span.end);
  const syntax = (message: string, remedy?: string, at: Span = span): Finding => ({
    rule: 'yaml/syntax',
    at: { span: at },
    message,
    ...(remedy === undefined ? {} : { remedy }),
  });

  switch (error.code) {
    case 'TAG_RESOLVE_FAILED':
      return {
        rule: 'yaml/unknown-tag',
        at: { span },
        message: `the tag ${hidden ? 'here' : word} is not part of YAML 1.2 core`,
      };
    case 'MULTIPLE_DOCS':
      return { rule: 'yaml/several-documents', at: { span }, message: 'a second document begins here' };
    case 'TAB_AS_INDENT':
      return { rule: 'yaml/tab', at: { span }, message: 'a tab stands where only spaces may' };
    case 'NON_STRING_KEY':
      return syntax('a key must be text', 'Write the key as text.');
    case 'RESOURCE_EXHAUSTION':
      return syntax('the values are nested too deeply', 'Write it with fewer levels.');
  }
  const star = /^[^#]*?:\s+(\*[ /].*|\*$)/.exec(line.text);
  if (star) {
    const start = line.start + line.text.indexOf('*');
    return syntax(
      'a value that begins with * must be quoted',
      hidden ? 'Write it in quotes.' : `Write it in quotes: "${(star[1] ?? '*').trim()}".`,
      {
        start,
        end: line.start + line.text.trimEnd().length,
      },
    );
  }
  if (error.code === 'BAD_SCALAR_START') {
    return syntax(`a value that begins with ${text[error.pos[0]] ?? ''} must be quoted`, 'Write it in quotes: "…".');
  }
  if (error.code === 'BAD_DQ_ESCAPE') {
    return syntax(
      `\\${text[error.pos[0] + 1] ?? ''} means nothing inside double quotes`,
      'Double the backslash, or use single quotes: they take everything as it stands.',
      { start: error.pos[0], end: error.pos[0] + 2 },
    );
  }
  const expression = /(?<!["'$])\$\{\{[^"'\n]*?\}\}/.exec(line.text);
  if (error.code === 'UNEXPECTED_TOKEN' && expression && /[{[]/.test(line.text.slice(0, expression.index))) {
    const start = line.start + expression.index;
    return syntax('an expression inside { } or [ ] must be quoted', `Write it in quotes: "${expression[0]}".`, {
      start,
      end: start + expression[0].length,
    });
  }
  if (error.message.startsWith('Missing closing')) {
    const start = openQuote(yaml, error.pos[0]) ?? error.pos[0];
    return syntax('this quote is never closed', 'Close the text with the same quote.', { start, end: start + 1 });
  }
  if (error.message.startsWith('Nested mappings') || error.code === 'MULTILINE_IMPLICIT_KEY') {
    return syntax(
      'a second key begins here, where only a value can stand',
      'Quote the value if its colon belongs to it; else check that this line and the next are indented alike.',
    );
  }
  if (error.message.startsWith('Implicit map keys')) {
    return syntax(
      `${hidden ? 'this' : shown(word)} is not a key with a value`,
      'Write "key: value", with a space after the colon.',
    );
  }
  if (error.code === 'BAD_INDENT') {
    return syntax(
      'the indentation is wrong, or a bracket before this is not closed',
      'Indent as the neighbours are, and close each { and [.',
    );
  }
  if (error.message.includes('block-seq-ind on same line')) {
    return syntax(
      'a list cannot begin on the line of its key',
      'Put each "- " entry on a line of its own below the key.',
    );
  }
  if (error.code === 'BAD_DIRECTIVE')
    return syntax('a line that begins with % is a directive of YAML', 'Remove it, or quote the value.');
  // The parser's own words may repeat what stands there.
  return syntax(
    hidden
      ? 'this cannot stand here'
      : `this cannot stand here (${error.message.charAt(0).toLowerCase()}${error.message.slice(1)})`,
  );
}

/** The word at an offset, at least one character. */
function wordAt(text: string, offset: number): Span {
  const start = Math.min(offset, text.length);
  const quoted = /^(["'])(?:(?!\1)[^\n\\]|\\.)*\1/.exec(text.slice(start, start + 200));
  const match = quoted ?? /^[^\s,{}[\]]+?(?=:?(?:[\s,{}[\]]|$))/.exec(text.slice(start, start + 200));
  return { start, end: start + Math.max(match?.[0].length ?? 1, 1) };
}

const unquoted = (word: string): string => word.replace(/^(["'])(.*)\1$/, '$2').replace(/:$/, '');

function lineOf(text: string, offset: number): { text: string; start: number } {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  return { text: text.slice(start, end < 0 ? undefined : end), start };
}

/** Where the quoted text begins that is still open at an offset. */
function openQuote(yaml: Document, offset: number): number | undefined {
  let start: number | undefined;
  visit(yaml, {
    Scalar(_key, scalar) {
      if (scalar.type?.startsWith('QUOTE') && scalar.range && scalar.range[0] < offset && scalar.range[2] >= offset - 1)
        start = scalar.range[0];
    },
  });
  return start;
}
