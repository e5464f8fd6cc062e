import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import {
  conditionFunctions,
  expressionError,
  operators,
  type ConditionFunction,
  type Expression,
  type Operator,
  type Segment,
} from './expression.ts';
import { tokensOf, type Token } from './expression-tokens.ts';

const deepest = 64;
const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

/** What people write for the operators. */
const words: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!' };

/**
 * Text of an expression, without `${{ }}` -> its tree. A `value` is a path, a literal or `default(a, b)`; a `condition` may
 * compare, combine and ask for the state of the run. Throws `plan.invalid` with rule, start and end in its details.
 */
export function parseExpression(text: string, form: 'value' | 'condition'): Expression {
  const tokens = tokensOf(text);
  let at = 0;
  let depth = 0;

  const peek = (): Token => tokens[at] as Token;
  const take = (): Token => tokens[at++] as Token;
  const accept = (...texts: string[]): Token | undefined =>
    peek().kind === 'symbol' && texts.includes(peek().text) ? take() : undefined;

  function unexpected(token: Token, wanted: string): Error {
    const found = token.kind === 'end' ? 'the expression ends' : `${JSON.stringify(token.text)} stands`;
    const suggestion =
      form === 'condition' ? (Object.hasOwn(words, token.text) ? (words[token.text] ?? null) : null) : null;
    return expressionError(
      'expression/syntax',
      `${found} where ${wanted} is wanted`,
      { start: token.start, end: Math.max(token.end, token.start + 1) },
      { suggestion },
    );
  }

  function expect(symbol: string): Token {
    return accept(symbol) ?? fail(unexpected(peek(), JSON.stringify(symbol)));
  }

  function or(): Expression {
    let left = and();
    while (accept('||')) left = pair('or', left, and());
    return left;
  }

  function and(): Expression {
    let left = comparison();
    while (accept('&&')) left = pair('and', left, comparison());
    return left;
  }

  const pair = (type: 'and' | 'or', left: Expression, right: Expression): Expression => ({
    type,
    left,
    right,
    start: left.start,
    end: right.end,
  });

  function comparison(): Expression {
    const left = unary();
    const operator = accept(...operators);
    if (!operator) return left;
    const right = unary();
    const more = peek();
    if (more.kind === 'symbol' && (operators as readonly string[]).includes(more.text)) {
      throw expressionError('expression/syntax', 'comparisons cannot be chained', more, {
        remedy: 'Join two comparisons with &&.',
      });
    }
    return { type: 'compare', operator: operator.text as Operator, left, right, start: left.start, end: right.end };
  }

  function unary(): Expression {
    if (++depth > deepest) throw expressionError('expression/syntax', 'the expression is nested too deeply', peek());
    try {
      const not = accept('!');
      if (not) {
        const operand = unary();
        return { type: 'not', operand, start: not.start, end: operand.end };
      }
      const open = accept('(');
      if (!open) return value();
      const inner = or();
      return { ...inner, start: open.start, end: expect(')').end };
    } finally {
      depth -= 1;
    }
  }

  function value(): Expression {
    const token = take();
    const { start, end } = token;
    if (token.kind === 'number') return { type: 'literal', value: Number(token.text), start, end };
    if (token.kind === 'string') return { type: 'literal', value: unquoted(token.text), start, end };
    if (token.kind === 'word' && token.text === 'not' && peek().kind !== 'end') throw unexpected(token, 'a value');
    if (token.kind !== 'word' || /^[0-9]/.test(token.text)) throw unexpected(token, 'a value');
    if (peek().text === '(') return call(token);
    if (Object.hasOwn(constants, token.text))
      return { type: 'literal', value: constants[token.text] ?? null, start, end };
    return path(token);
  }

  function call(name: Token): Expression {
    take();
    if (name.text === 'default') {
      if (++depth > deepest) throw expressionError('expression/syntax', 'the expression is nested too deeply', name);
      const first = value();
      expect(',');
      const second = value();
      depth -= 1;
      return { type: 'default', first, second, start: name.start, end: expect(')').end };
    }
    const names = form === 'condition' ? ['default', ...conditionFunctions] : ['default'];
    if (!(conditionFunctions as readonly string[]).includes(name.text)) {
      throw expressionError('expression/unknown-function', `there is no function ${name.text}()`, name, {
        allowed: names.map((known) => `${known}()`),
        suggestion: didYouMean(name.text, names),
      });
    }
    if (form === 'value') throw expressionError('expression/syntax', `${name.text}() only has a meaning in if:`, name);
    return { type: 'state', name: name.text as ConditionFunction, start: name.start, end: expect(')').end };
  }

  function path(root: Token): Expression {
    const segments: Segment[] = [];
    for (;;) {
      if (accept('.')) {
        const token = take();
        if (token.kind !== 'word') throw unexpected(token, 'a key');
        segments.push({ name: token.text, start: token.start, end: token.end });
      } else if (accept('[')) {
        const token = take();
        const isIndex = token.kind === 'number' && /^\d+$/.test(token.text);
        if (!isIndex && token.kind !== 'string') throw unexpected(token, "an index like 0 or a key like 'name'");
        segments.push({
          name: isIndex ? Number(token.text) : unquoted(token.text),
          start: token.start,
          end: token.end,
        });
        expect(']');
      } else break;
    }
    return { type: 'path', root: root.text, segments, start: root.start, end: (tokens[at - 1] as Token).end };
  }

  if (peek().kind === 'end')
    throw expressionError('expression/syntax', 'the expression is empty', { start: 0, end: Math.max(text.length, 1) });
  const whole = form === 'condition' ? or() : value();
  const rest = peek();
  if (rest.kind !== 'end') {
    const comparing = form === 'value' && /^(?:[=!<>]=?|&&|\|\||!)$/.test(rest.text);
    throw comparing
      ? expressionError('expression/syntax', `${rest.text} only has a meaning in if:`, rest)
      : unexpected(rest, 'the end of the expression');
  }
  return whole;
}

const unquoted = (text: string): string => text.slice(1, -1).replaceAll("''", "'");

function fail(error: Error): never {
  throw error;
}
