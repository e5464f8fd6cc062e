import type { FileExpectation } from '../../files/expect/expect-file.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';

/** As plans have it. */
interface Written {
  readonly file: string;
  readonly sameAs?: string;
  readonly sha256?: string;
  readonly minSize?: number | string;
}

export const expectationOf = ({ file, sameAs, sha256, minSize }: Written): FileExpectation => ({
  file,
  sameAs,
  sha256,
  minBytes: minSize === undefined ? undefined : sizeBytes(minSize),
});

export function expectationText({ sameAs, sha256, minSize }: Written): string {
  const words = [
    ...(sameAs === undefined ? [] : [`has the bytes of ${sameAs}`]),
    ...(sha256 === undefined ? [] : [`has SHA-256 ${sha256}`]),
    ...(minSize === undefined ? [] : [`has at least ${minSize}`]),
  ];
  return words.length === 0 ? 'exists' : words.join(', ');
}

/** So many are named in an error; the log has all. */
const named = 3;

export const problemsText = (problems: readonly string[]): string =>
  `${problems.slice(0, named).join('; ')}${problems.length > named ? `; and ${problems.length - named} more` : ''}`;
