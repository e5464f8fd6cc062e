import type { CredentialsOutput, CredentialsTestOutput } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable, printableText, table } from '../text.ts';

/** One line a credential. */
export function credentialsReport({ credentials }: CredentialsOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  if (credentials.length === 0) return ['no credentials yet; make one with `sendense-run credentials add`'];
  const [head = [], ...lines] = foldedTable(
    [
      ['NAME', 'USER', 'CREATED', 'UPDATED'],
      ...credentials.map(({ name, user, created, updated }) => [
        name,
        user === null ? '?' : printable(user),
        formatTime(created),
        formatTime(updated),
      ]),
    ],
    columns,
  );
  return [
    ...head.map(style.bold),
    ...credentials.flatMap(({ used_by: { sources, plans }, problem }, index) => [
      ...(lines[index] ?? []),
      ...(sources.length + plans.length > 0
        ? labelled('    used by ', usersOf(sources, plans), columns).map(style.dim)
        : []),
      ...(problem === null
        ? []
        : labelled(`    ${style.symbols.failed} `, printableText(problem), columns).map(style.red)),
    ]),
  ];
}

const usersOf = (sources: readonly string[], plans: readonly string[]): string =>
  [...sources.map((source) => `source ${source}`), ...plans.map((plan) => `plan ${shortPath(plan)}`)].join(', ');

/** One sentence on what was done to a credential. */
export function credentialChange(output: CredentialsOutput, done: string, { style }: SummaryOptions): string[] {
  const [{ name = '', user = null } = {}] = output.credentials;
  const whose = user === null ? '' : ` of ${printable(user)}`;
  return [`${style.green(style.symbols.done)} credential ${style.bold(name)}${whose} ${done}`];
}

export function rotatedKeyReport({ key, credentials }: CredentialsOutput, { style }: SummaryOptions): string[] {
  const mark = style.green(style.symbols.done);
  if (!key) return [`${mark} there is no key yet; the first credential makes one`];
  const what = key.kind === 'systemd' ? 'the key of systemd' : 'a new key';
  return [
    `${mark} ${plural(credentials.length, 'credential')} sealed with ${what}, ${shortPath(key.path)} (${key.id})`,
  ];
}

/** That logging in worked, and what the user lacks. */
export function credentialTestReport(output: CredentialsTestOutput, { style, columns }: SummaryOptions): string[] {
  const { done, failed, warning } = style.symbols;
  const server = `${printable(output.about.full_name)}, source ${output.source}`;
  return [
    `${style.green(done)} ${style.bold(output.name)} logs in as ${printable(output.user)} at ${server}`,
    ...(output.missing.length === 0
      ? output.warnings.length === 0
        ? [`${style.green(done)} no privilege is missing`]
        : []
      : [
          `${style.red(failed)} ${plural(output.missing.length, 'privilege is', 'privileges are')} missing; docs/vsphere.md has a role with all of them`,
          ...table(
            output.missing.map(({ privilege, why }) => [`    ${printable(privilege)}`, style.dim(printable(why))]),
          ),
        ]),
    ...output.warnings.flatMap((text) => labelled(`${warning} `, printableText(text), columns).map(style.yellow)),
  ];
}
