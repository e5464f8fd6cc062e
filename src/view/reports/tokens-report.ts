import type { NewTokenOutput, TokensOutput } from '../../schemas/types.ts';
import { formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, foldedTable, printable } from '../text.ts';

const endOf = (expires: number | null): string => (expires === null ? 'never' : formatTime(expires));

/** One line a token. */
export function tokensReport({ tokens }: TokensOutput, { style, columns }: SummaryOptions): string[] {
  if (tokens.length === 0) return ['no tokens yet; make one with `sendense-run token create NAME --role viewer`'];
  const now = Date.now();
  const rows = foldedTable(
    [
      ['NAME', 'ROLES', 'VMS', 'MADE', 'BY', 'EXPIRES', 'LAST USED', 'FROM'].map(style.bold),
      ...tokens.map(({ name, roles, vms, created, created_by: by, expires, used, address }) => [
        name,
        roles.join(', '),
        printable(vms?.join(', ') ?? 'all'),
        formatTime(created),
        printable(by),
        expires !== null && expires <= now ? style.red(`${endOf(expires)} (over)`) : endOf(expires),
        used === null ? 'never' : formatTime(used),
        address ?? '',
      ]),
    ],
    columns,
  );
  return rows.flat();
}

/** The token itself stands alone in the last line. */
export const newTokenReport = ({ secret, ...output }: NewTokenOutput, options: SummaryOptions): string[] => [
  ...output.tokens.flatMap(({ expires }) =>
    tokenChange(output, expires === null ? 'is good until you revoke it' : `is good until ${endOf(expires)}`, options),
  ),
  ...fit('Keep it now: nothing shows it again.', options.columns),
  secret,
];

/** One sentence on what was done to a token. */
export const tokenChange = ({ tokens }: TokensOutput, what: string, { style }: SummaryOptions): string[] =>
  tokens.map(
    ({ name, roles }) => `${style.green(style.symbols.done)} token ${style.bold(name)} (${roles.join(', ')}) ${what}`,
  );
