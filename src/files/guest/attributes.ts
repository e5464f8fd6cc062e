import { run } from './programs.ts';
import { outerPathOf, type Place } from './tree.ts';

/**
 * Extended attributes, access control lists among them: names, and values in base64. Empty where getfattr is missing or the file system
 * has none.
 */
export async function attributesOf(place: Place): Promise<(readonly [name: string, value: string])[]> {
  const path = outerPathOf(place);
  const target = place.name.length === 0 ? Buffer.concat([path, Buffer.from('.')]) : path;
  const args = ['-d', '-m', '-', '-h', '-e', 'base64', '--absolute-names', '--'];
  const child = await run(
    '/bin/sh',
    ['-c', 'IFS= read -r name; name=$(printf "%b" "$name"); exec getfattr "$@" "${name%x}"', 'sh', ...args],
    octal(target),
  );
  return child.out
    .toString()
    .split('\n')
    .map((one) => /^([^#=][^=]*)=(?:0s(.*))?$/.exec(one))
    .filter((found) => found !== null)
    .map(([, name = '', value = '']) => [name, value] as const);
}

/** Words of a program cannot be bytes in Node: the shell makes them of this. */
const octal = (bytes: Buffer): string =>
  `${[...bytes].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')}x\n`;
