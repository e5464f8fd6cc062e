import type { ChosenFiles } from '../choose/choose-files.ts';
import type { OpenedPoint } from '../choose/find-volume.ts';
import { takeSelection, type TakeTreeOptions } from './take-selection.ts';

/** So much goes into one request; its limits are in `schemas/hub/restore-selection.json`. */
const most = { paths: 5_000, bytes: 2 * 1024 * 1024 };

/**
 * Takes the chosen files of one volume out into a folder of this process alone, by their whole paths.
 * @returns what could not be taken, or not with all that it had
 * @throws SendenseError `disk.full`, `files.reader`
 */
export async function takeVolume(
  { client, files }: OpenedPoint,
  { volume, whole, alone }: ChosenFiles,
  into: string,
  options: TakeTreeOptions,
): Promise<string[]> {
  const leftOut: string[] = [];
  for (const selection of selectionsOf(whole, alone))
    leftOut.push(...(await takeSelection(client, { session: files.id, volume, ...selection }, into, options)));
  return leftOut;
}

/** Folders last: one may not be written to any more once it has its mode. */
function selectionsOf(whole: readonly Buffer[], alone: readonly Buffer[]): { paths: string[]; folders: string[] }[] {
  const [members, folders] = [pieces(whole), pieces(alone)];
  return [
    ...members.slice(0, -1).map((paths) => ({ paths, folders: [] })),
    { paths: members.at(-1) ?? [], folders: folders[0] ?? [] },
    ...folders.slice(1).map((more) => ({ paths: [], folders: more })),
  ];
}

function pieces(paths: readonly Buffer[]): string[][] {
  const all: string[][] = [];
  let bytes = most.bytes;
  for (const path of paths) {
    const text = path.toString('base64url');
    const last = all.at(-1);
    if (last === undefined || last.length >= most.paths || bytes + text.length > most.bytes) {
      all.push([text]);
      bytes = text.length;
    } else {
      last.push(text);
      bytes += text.length;
    }
  }
  return all;
}
