/**
 * What the guest's kernel, or a program of FUSE in it, says of a file system that is damaged: by number, for Node has no names for some.
 * Source: errno(3), and asm-generic/errno.h for the numbers.
 */
const damage: ReadonlyMap<number, string> = new Map([
  [5, 'EIO'],
  [6, 'ENXIO'],
  [22, 'EINVAL'],
  [36, 'ENAMETOOLONG'],
  [40, 'ELOOP'],
  [61, 'ENODATA'],
  [71, 'EPROTO'],
  [74, 'EBADMSG'],
  [75, 'EOVERFLOW'],
  [95, 'EOPNOTSUPP'],
  // The program that reads it has ended.
  [103, 'ECONNABORTED'],
  [107, 'ENOTCONN'],
  [116, 'ESTALE'],
  [117, 'EUCLEAN'],
]);

/** The name of what a file system refused by: of damage, or as Node calls it. Null: no file system said it. */
export function refusalOf(error: unknown): string | null {
  const { errno, code, syscall } = error as NodeJS.ErrnoException;
  return syscall === undefined ? null : (damage.get(-(errno ?? 0)) ?? code ?? 'an error');
}

/** The name of an error number that damage looks like. */
export const damageNamed = (errno: number): string | undefined => damage.get(errno);

/** @returns in words, where that is what damage looks like; else null */
export function damageOf(error: unknown): string | null {
  const { errno, syscall } = error as NodeJS.ErrnoException;
  const name = syscall === undefined ? undefined : damage.get(-(errno ?? 0));
  return name === undefined ? null : `its file system is damaged or cannot be read: ${name} at ${syscall}`;
}
