/** How Linux says that a disk, or a quota, is full. Whoever sees one of these says `disk.full`. */
const errnos: Readonly<Record<string, number>> = { ENOSPC: 28, EDQUOT: 122 };

/** @param code of an error of Node.js: `ENOSPC` */
export const isNoSpace = (code: unknown): boolean => typeof code === 'string' && Object.hasOwn(errnos, code);

/** @param errno as NBD sends it */
export const isNoSpaceNumber = (errno: number): boolean => Object.values(errnos).includes(errno);

/** @param text what a program printed; ours run with LC_ALL=C */
export const saysNoSpace = (text: string): boolean => /No space left on device|Disk quota exceeded/.test(text);
