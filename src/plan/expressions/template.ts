import { expressionError } from './expression.ts';

/** Text with `${{ }}` in it, cut into plain text and expressions. Offsets count in the whole text. */
export type TemplatePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'expression'; readonly source: string; readonly start: number; readonly end: number };

/** Whether a text holds an expression or an escaped one. */
export const isTemplate = (text: string): boolean => text.includes('${{');

/** `$${{` stands for `${{`. Throws `plan.invalid` where `}}` is missing. */
export function templateParts(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${{', at)) {
      plain += '${{';
      at += 4;
    } else if (text.startsWith('${{', at)) {
      const close = closingOf(text, at + 3);
      if (close < 0)
        throw expressionError(
          'expression/syntax',
          'this ${{ is never closed',
          { start: at, end: at + 3 },
          { remedy: 'Close it with }}, or write $${{ for the characters themselves.' },
        );
      if (plain !== '') parts.push({ type: 'text', text: plain });
      plain = '';
      parts.push({ type: 'expression', source: text.slice(at + 3, close), start: at + 3, end: close });
      at = close + 2;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain !== '') parts.push({ type: 'text', text: plain });
  return parts;
}

/** A condition without the `${{ }}` that may stand around it, and where it begins in the text. */
export function conditionSource(text: string): { source: string; start: number } {
  const match = /^\s*\$\{\{(?<inner>[\s\S]*)\}\}\s*$/.exec(text);
  const inner = match?.groups?.['inner'];
  return inner === undefined ? { source: text, start: 0 } : { source: inner, start: text.indexOf('${{') + 3 };
}

/** Offset of the `}}` that ends an expression; one inside single quotes does not. */
function closingOf(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'") quoted = !quoted;
    else if (!quoted && text.startsWith('}}', at)) return at;
  }
  return -1;
}
