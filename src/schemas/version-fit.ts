/** The versions of two that are linked. */
export interface Versions {
  readonly hub: string;
  readonly node: string;
}

/**
 * Why hub and node of these versions do not belong together, with the way out; null where they do. Third numbers never count, and before 1.0 the
 * second one counts like the first one later. docs/operations.md has the same table:
 *
 * | node, for a hub of 1.4 | 1.4 | 1.5 | 1.6 and on  | 1.3 and before | 2.0         |
 * | ---------------------- | --- | --- | ----------- | -------------- | ----------- |
 * |                        | fit | fit | upgrade hub | upgrade node   | upgrade hub |
 */
export function versionMisfit({ hub, node }: Versions): string | null {
  const [a, b] = [releaseOf(hub), releaseOf(node)];
  if (a === null || b === null) return hub === node ? null : `${said({ hub, node })}: upgrade both to one version`;
  if (a.major === b.major && (a.minor === b.minor || (a.major > 0 && b.minor === a.minor + 1))) return null;
  const older = b.major - a.major || b.minor - a.minor;
  return `${said({ hub, node })}: upgrade ${older < 0 ? 'the node' : 'the hub'}`;
}

const said = ({ hub, node }: Versions): string => `hub ${hub} and node ${node} do not belong together`;

function releaseOf(version: string): { readonly major: number; readonly minor: number } | null {
  const [, major, minor] = /^([0-9]{1,6})\.([0-9]{1,6})(?:[.+-]|$)/.exec(version) ?? [];
  return major === undefined || minor === undefined ? null : { major: Number(major), minor: Number(minor) };
}
