import { plural } from './format.ts';

interface Unlisted {
  readonly repository: string;
  readonly points: number;
  readonly vms: readonly string[];
}

const mostNamed = 5;

/** What a user reads of a repository whose restore points are known and that the settings do not name. */
export function unlistedText({ repository, points, vms }: Unlisted): string {
  const more = vms.length > mostNamed ? ` and ${vms.length - mostNamed} more` : '';
  const of = `${vms.slice(0, mostNamed).join(', ')}${more}`;
  return `sendense.yaml has no repository ${repository}: ${plural(points, 'restore point')} in it (of ${of}) ${points === 1 ? 'is' : 'are'} left out. Put the repository back under this name. If it is gone for good, run \`sendense-run repo import ${repository} --forget-missing\`: this forgets ${points === 1 ? 'the restore point' : 'the restore points'} and changes no file`;
}
