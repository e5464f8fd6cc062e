/** What is written for programs to read is far flatter. */
const usualDepth = 64;

const [quote, backslash, openList, closeList, openObject, closeObject] = [34, 92, 91, 93, 123, 125];

/**
 * `JSON.parse` of a text that somebody else may have written: a repository, a node, another peer. Each list and each object in another
 * one takes some 50 bytes of memory, so a file that is nothing but brackets would take all there is. Bound its length yourself.
 * @param mostDeep lists and objects within each other
 * @throws SyntaxError also for what is deeper
 */
export function parseJson(text: string, mostDeep = usualDepth): unknown {
  assertFlat(text, mostDeep);
  return JSON.parse(text) as unknown;
}

/** Looks at brackets that are in no string. A text that is no JSON goes on to `JSON.parse`, which says what is wrong with it. */
function assertFlat(text: string, mostDeep: number): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openList || code === openObject) {
      if (++depth > mostDeep)
        throw new SyntaxError(`its lists and objects are more than ${mostDeep} deep within each other, at position ${at}`);
    } else if (code === closeList || code === closeObject) depth--;
  }
}

/** Where the quote is that ends the string which begins at `from`; without one the end of the text. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1))
    if (!isEscaped(text, end)) return end;
  return text.length;
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let count = 0;
  while (text.charCodeAt(at - 1 - count) === backslash) count++;
  return count % 2 === 1;
}
