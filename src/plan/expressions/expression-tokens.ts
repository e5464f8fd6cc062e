import { expressionError } from './expression.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'symbol' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

// A word may hold dashes (step ids do); after a dot it may begin with a digit, which the parser sorts out.
const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z0-9_-])/y],
  ['word', /[A-Za-z0-9_][A-Za-z0-9_-]*/y],
  ['string', /'(?:[^']|'')*'/y],
  ['symbol', /==|!=|<=|>=|&&|\|\||[<>!()[\].,]/y],
];

/** Text -> tokens, ending with an `end`. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at += 1;
    if (at >= text.length) break;
    const token = next(text, at, tokens.at(-1)?.text === '.');
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return tokens;
}

function next(text: string, at: number, afterDot: boolean): Token {
  for (const [kind, pattern] of patterns) {
    if (afterDot && kind === 'number') continue;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return { kind, text: match[0], start: at, end: at + match[0].length };
  }
  const span = { start: at, end: at + 1 };
  const rest = text.slice(at, at + 1);
  if (rest === "'") throw expressionError('expression/syntax', 'this quote is never closed', span);
  if (rest === '"')
    throw expressionError('expression/syntax', "text in an expression stands in single quotes: 'text'", span);
  const single: Readonly<Record<string, string>> = { '=': '==', '&': '&&', '|': '||' };
  const suggestion = single[rest] ?? null;
  throw expressionError('expression/syntax', `${JSON.stringify(rest)} has no meaning in an expression`, span, {
    suggestion,
  });
}
