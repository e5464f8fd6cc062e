import { format } from 'oxfmt';
import layout from '../../oxfmt.config.ts';

/** As `npm run format` would leave it. @param file only its name counts: it tells the language */
export async function formatted(file: string, text: string): Promise<string> {
  const { ignorePatterns: _, ...style } = layout;
  const { code, errors } = await format(file, text, style);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  return code;
}
