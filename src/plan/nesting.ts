import { Lexer, Parser } from 'yaml';

/** Levels of lists and mappings in each other. A plan has about eight. */
export const maxNesting = 100;

/**
 * Where a text of YAML goes deeper than {@link maxNesting}; null: nowhere. Everything that reads the tree goes down it by calling itself,
 * and the YAML library itself takes minutes for some hundred levels of keys, so this is asked first.
 */
export function tooDeepAt(text: string): number | null {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // What it answers are whole documents; only how deep it is counts here.
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > maxNesting) return parser.offset;
  }
  return null;
}
