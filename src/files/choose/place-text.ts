import { bytesOfShown } from '../shown.ts';

/** What a text such as `disk-0p2:/etc/hostname` names. */
export interface PlaceText {
  /** Null: the text names none. */
  readonly volume: string | null;
  /** As it is written, without slashes at its beginning; empty: the root. */
  readonly path: string;
}

/** Null: this is no place. */
export function parsePlace(text: string): PlaceText | null {
  const [, volume, path = ''] = /^(?:([^:/][^:]*):)?(\/.*)?$/s.exec(text) ?? [];
  if (volume === undefined && path === '') return null;
  return { volume: volume ?? null, path: path.replace(/^\/+/, '') };
}

/** The bytes of a path as it is written, as base64url. */
export const pathOfText = (path: string): string => bytesOfShown(path).toString('base64url');
