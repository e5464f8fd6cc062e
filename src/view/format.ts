const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1536` -> `1.5 KiB`. Three significant digits at most, IEC units. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${trimZeros(value.toFixed(digits))} ${units[unit]}`;
}

const trimZeros = (text: string): string =>
  text.endsWith('0') && text.includes('.') ? text.replace(/\.?0+$/, '') : text;

/** Bytes per second. */
export const formatRate = (rate: number): string => `${formatBytes(rate)}/s`;

/** Milliseconds as `45 ms`, `0.3 s`, `12.4 s`, `3 min 05 s`, `2 h 03 min`, `3 d 04 h`. */
export function formatDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`;
}

/** Milliseconds that are left, without false precision: `4 s`, `3 min`, `2 h 10 min`. */
export function formatTimeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 60 * 100) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  return `${Math.round(minutes / 60 / 24)} d`;
}

/** Local time: `2026-11-21 01:30:05`. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${clockOf(date)}`;
}

/** Local time of day: `01:30:05`. */
export const formatClock = (time: number): string => clockOf(new Date(time));

const clockOf = (date: Date): string => `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;

/** `plural(2, 'disk')` -> `2 disks`. */
export const plural = (count: number, noun: string, many = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : many}`;

const pad = (value: number): string => (value < 10 ? `0${value}` : `${value}`);

/** `backup of pgtest1`; kinds about several VMs have no VM of their own. */
export const subjectOf = ({ kind, vm }: { readonly kind: string; readonly vm: string }): string =>
  vm === '*' ? kind : `${kind} of ${vm}`;

/** Of a file that was compressed: ` (31 % of 8.4 MiB)`; nothing for one that was not. */
export const ratioText = (bytes: number, plainBytes: number | null): string =>
  plainBytes === null || plainBytes === 0
    ? ''
    : ` (${Math.round((bytes * 100) / plainBytes)} % of ${formatBytes(plainBytes)})`;
