/** Whether a value that somebody else has made up has a form that it can be used in. */

export type Check = (value: unknown) => boolean;
export type Shape = Readonly<Record<string, Check>>;

const mostText = 64 * 1024;

export const text = (value: unknown): value is string => typeof value === 'string' && value.length <= mostText;
export const textOrNull: Check = (value) => value === null || text(value);
export const count: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
export const countOrNull: Check = (value) => value === null || count(value);
/** Of a size or number that the file system says, which can be anything. */
export const figure: Check = (value) => typeof value === 'number' && Number.isFinite(value);
export const truth: Check = (value) => typeof value === 'boolean';
export const whole: Check = (value) => text(value) && /^-?\d{1,20}$/.test(value);
/** Nanoseconds since 1970: a damaged inode can hold 64 bits of seconds, which are years that nobody counts. */
export const time: Check = (value) => text(value) && /^-?\d{1,29}$/.test(value);
export const base64: Check = (value) => text(value) && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
export const device: Check = (value) => text(value) && /^\d{1,10}:\d{1,10}$/.test(value);
export const fileType: Check = (value) =>
  (['file', 'folder', 'link', 'fifo', 'socket', 'char', 'block', 'unknown'] as readonly unknown[]).includes(value);
/** Of disks and partitions, of LVM and of md: names that are shown and typed. */
export const volumeId: Check = (value) => text(value) && /^[\w.+-]{1,255}(?:\/[\w.+-]{1,255})?$/.test(value);

export const oneOf =
  (...words: readonly (string | null)[]): Check =>
  (value) =>
    (words as readonly unknown[]).includes(value);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
export const listOf =
  (check: Check, atMost: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= atMost && value.every(check);
/** An object that has at least these. */
export const shaped =
  (shape: Shape): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shape).every(([name, check]) => check((value as Record<string, unknown>)[name]));
