import type { RepositoriesOutput } from '../../schemas/types.ts';
import { formatBytes, formatTime, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable, printableText } from '../text.ts';

type Repository = RepositoriesOutput['repositories'][number];

const bytesOr = (bytes: number | null, other = '-'): string => (bytes === null ? other : formatBytes(bytes));
/** Nobody plans for what is further away. */
const mostDays = 3650;
const days = (count: number | null): string => {
  if (count === null) return '-';
  return count > mostDays ? 'over 10 years' : plural(count, 'day');
};

/** One line a repository. */
export function repositoriesReport({ repositories }: RepositoriesOutput, { style, columns }: SummaryOptions): string[] {
  const [head = [], ...rows] = foldedTable(
    [
      ['REPOSITORY', 'POINTS', 'VMS', 'USED', 'FREE', 'QUOTA', 'FULL IN'],
      ...repositories.map((each) => [
        each.repository,
        `${each.points}`,
        `${each.vms.length}`,
        each.state === 'ready' ? bytesOr(each.used) : each.state,
        bytesOr(each.free),
        bytesOr(each.quota),
        days(each.full_in_days),
      ]),
    ],
    columns,
    [1, 2, 3, 4, 5],
  );
  const errors = repositories.flatMap(({ error }) =>
    error === null ? [] : labelled(`${style.red(style.symbols.failed)} `, printableText(error), columns),
  );
  return [...head.map(style.bold), ...rows.flat(), ...errors];
}

/** Everything of each repository but its VMs. */
export function repositoryReport({ repositories }: RepositoriesOutput, options: SummaryOptions): string[] {
  return repositories.flatMap((repository, index) => [...(index === 0 ? [] : ['']), ...factsOf(repository, options)]);
}

function factsOf(repository: Repository, { style, columns }: SummaryOptions): string[] {
  const { used, quota, trash, error, immutable } = repository;
  const of = (part: number | null, whole: number | null): string =>
    part === null || whole === null || whole === 0 ? '' : ` (${Math.round((part / whole) * 100)} %)`;
  const rows: [string, string][] = [
    ['path', repository.path],
    ['id', repository.id ?? '-'],
    ['state', error === null ? repository.state : `${repository.state}: ${printable(error)}`],
    ['holds', `${plural(repository.points, 'restore point')} of ${plural(repository.vms.length, 'VM')}`],
    ['used', `${bytesOr(used)}${trash ? `, ${formatBytes(trash)} of it put aside by gc` : ''}`],
    ['free', `${bytesOr(repository.free)} of ${bytesOr(repository.total)}${of(repository.free, repository.total)}`],
    ['minFree', repository.min_free === 0 ? '-' : formatBytes(repository.min_free)],
    ['quota', quota === null ? '-' : `${formatBytes(quota)}${of(used, quota)}`],
    ['vmQuota', bytesOr(repository.vm_quota)],
    ['growth', repository.growth_per_day === null ? '-' : `${formatBytes(repository.growth_per_day)} a day`],
    ['full in', days(repository.full_in_days)],
    ['immutable', immutability(immutable)],
  ];
  return [
    style.bold(repository.repository),
    ...rows.flatMap(([name, text]) => labelled(`  ${name.padEnd(9)}  `, text, columns)),
  ];
}

const immutability = ({ wanted, problem }: Repository['immutable']): string =>
  wanted === 'off' ? 'no' : problem === null ? `yes (${wanted})` : `NOT POSSIBLE: ${printable(problem)}`;

/** One line a VM. */
export function usageReport({ repositories }: RepositoriesOutput, { style, columns }: SummaryOptions): string[] {
  return repositories.flatMap((repository, index) => {
    const { free, quota } = repository;
    const [head = [], ...rows] = foldedTable(
      [
        ['VM', 'POINTS', 'TAKES', 'AS DISKS', 'A DAY', 'NEWEST'],
        ...repository.vms.map((vm) => [
          vm.vm,
          `${vm.points}`,
          formatBytes(vm.allocated_bytes),
          formatBytes(vm.logical_bytes),
          bytesOr(vm.growth_per_day),
          vm.newest === null ? '-' : formatTime(vm.newest).slice(0, -3),
        ]),
      ],
      columns,
      [1, 2, 3, 4],
    );
    const total = [
      `${bytesOr(repository.used)} in use`,
      `${bytesOr(free)} free`,
      ...(quota === null ? [] : [`quota ${formatBytes(quota)}`]),
      ...(repository.full_in_days === null
        ? []
        : [`full in ${repository.full_in_days > mostDays ? '' : 'about '}${days(repository.full_in_days)}`]),
    ].join(', ');
    return [
      ...(index === 0 ? [] : ['']),
      style.cyan(repository.repository),
      ...(repository.error === null ? [] : labelled('  ', printableText(repository.error), columns)),
      ...head.map(style.bold),
      ...rows.flat(),
      style.dim(total),
    ];
  });
}
