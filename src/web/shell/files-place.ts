import { place } from './router.ts';

/** What the address says of files: which restore point, and what of it is shown. */
export interface Where {
  readonly vm: string;
  readonly repository: string;
  /** Id of the restore point; empty: the newest one. */
  readonly point: string;
  /** Id of the volume; empty: the list of volumes. */
  readonly volume: string;
  /** The folder: bytes of its path as base64url; empty: the root. */
  readonly path: string;
  /** A file of it that is looked at, likewise. */
  readonly file: string;
  /** Words that are searched for below the folder. */
  readonly find: string;
  /** Also in all other restore points: `all`. */
  readonly in: string;
  /** Id of the restore point to compare with. */
  readonly with: string;
}

const parts = ['repository', 'point', 'volume', 'path', 'file', 'find', 'in', 'with'] as const;

export const whereHere = (vm: string): Where => {
  const { query } = place.value;
  const values = parts.map((name) => [name, query.get(name) ?? '']);
  return { vm, ...(Object.fromEntries(values) as Omit<Where, 'vm'>) };
};

/** The address of a place. */
export function addressOfPlace({ vm, ...where }: Partial<Where> & Pick<Where, 'vm'>): string {
  const query = new URLSearchParams();
  for (const name of parts) {
    const value = where[name];
    if (value !== undefined && value !== '') query.set(name, value);
  }
  const text = query.toString();
  return `/files/${encodeURIComponent(vm)}${text === '' ? '' : `?${text}`}`;
}

/** The same restore point and volume, at another folder. */
export const atFolder = ({ vm, repository, point, volume }: Where, path: string): string =>
  addressOfPlace({ vm, repository, point, volume, path });
