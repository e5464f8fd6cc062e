import { Lexer, Parser, type CST } from 'yaml';

/** Levels of lists and mappings in each other. A plan has about eight. */
export const maxNesting = 100;

/** Words, signs, spaces and ends of lines. The 20,000 values that a document may have need about five each. */
const mostLexemes = 300_000;

/** Where a text is more than anybody would write. */
export interface Excess {
  readonly what: 'levels' | 'words';
  readonly at: number;
}

/**
 * The first half of reading YAML. Everything that reads the tree goes down it by calling itself, and the YAML library itself takes minutes
 * for some hundred levels of keys, so how deep a text is counts before the second half begins.
 */
export function tokensOf(text: string): { readonly tokens: readonly CST.Token[] } | { readonly excess: Excess } {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > mostLexemes) return { excess: { what: 'words', at: parser.offset } };
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > maxNesting) return { excess: { what: 'levels', at: parser.offset } };
  }
  tokens.push(...parser.end());
  return { tokens };
}
