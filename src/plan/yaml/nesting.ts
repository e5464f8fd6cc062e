import { Lexer, Parser } from 'yaml';

/** Levels of lists and mappings in each other. A plan has about eight. */
export const maxNesting = 100;

/** Words, signs, spaces and ends of lines. The 20,000 values that a document may have need about five each. */
const mostLexemes = 300_000;

/**
 * Where a text of YAML is more than anybody would write; null: nowhere. Everything that reads the tree goes down it by calling itself, and
 * the YAML library itself takes minutes for some hundred levels of keys, so this is asked first.
 */
export function excessIn(text: string): { readonly what: 'levels' | 'words'; readonly at: number } | null {
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > mostLexemes) return { what: 'words', at: parser.offset };
    // What it answers are whole documents; only how deep it is counts here.
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > maxNesting) return { what: 'levels', at: parser.offset };
  }
  return null;
}
