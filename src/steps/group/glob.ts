/** Whether a name fits a pattern in which `*` stands for any characters and `?` for one; capitals make no difference. */
export const fitsGlob = (name: string, pattern: string): boolean => expressionOf(pattern).test(name);

const expressions = new Map<string, RegExp>();

function expressionOf(pattern: string): RegExp {
  let expression = expressions.get(pattern);
  if (!expression) {
    const source = pattern
      .replace(/\*+/g, '*')
      .replace(/[\\^$.+()|[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    expressions.set(pattern, (expression = new RegExp(`^${source}$`, 'isu')));
  }
  return expression;
}
