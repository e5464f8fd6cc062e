import { SendenseError } from '../../errors/sendense-error.ts';

/** Bytes. */
export interface Area {
  readonly offset: number;
  readonly length: number;
}

/** One answer of QueryChangedDiskAreas: it speaks about `start` to `start + length`; its areas may be none. */
export interface AreaPage {
  readonly start: number;
  readonly length: number;
  readonly areas: readonly Area[];
}

/** A page holds about 2000 areas, so this is 200 million. */
const mostPages = 100_000;

/** How often it is looked at whether the pages will come to an end. */
const probePages = 200;
/** Longer than this it is quicker to read most disks, and a snapshot grows meanwhile, ms. */
const longestMs = 10 * 60_000;

/** All the time the VM has a snapshot. */
function assertWorthwhile(pages: number, asked: number, capacity: number, ms: number): void {
  const factor = capacity / asked;
  if (pages * factor <= mostPages && ms * factor <= longestMs) return;
  throw useless(
    `vSphere tells the changes in pieces that are too small: ${pages} answers in ${Math.ceil(ms / 1000)} s reached byte ${asked} of ${capacity}`,
  );
}

/**
 * All areas of a disk, from pages that must cover it: each begins where it was asked and gets on, the last ends exactly at
 * the capacity, areas ascend within their page. Areas that touch are joined. The capacity itself is never asked.
 * @throws SendenseError `cbt.protocol`, see also `uselessAnswer`
 */
export async function collectAreas(
  capacity: number,
  ask: (start: number) => Promise<AreaPage>,
  limit = mostPages,
): Promise<Area[]> {
  if (!Number.isSafeInteger(capacity) || capacity < 0) throw broken(`${capacity} is no size of a disk`);
  const all: { offset: number; length: number }[] = [];
  let asked = 0;
  const began = performance.now();
  for (let pages = 0; asked < capacity; pages++) {
    if (pages === limit) throw broken(`${limit} answers reached only byte ${asked} of ${capacity}`);
    if (pages > 0 && pages % probePages === 0) assertWorthwhile(pages, asked, capacity, performance.now() - began);
    const page = await ask(asked);
    append(all, checked(page, asked, capacity));
    asked += page.length;
  }
  return all;
}

function checked(page: AreaPage, asked: number, capacity: number): readonly Area[] {
  const { start, length } = page;
  if (start !== asked) throw broken(`asked from byte ${asked}, vSphere answered from byte ${start}`);
  if (!(Number.isSafeInteger(length) && length > 0))
    throw broken(`the answer from byte ${asked} covers ${length} bytes and does not get on`);
  const end = start + length;
  if (end > capacity) throw broken(`the answer from byte ${asked} ends at ${end}, behind the disk's ${capacity} bytes`);
  let last = start;
  for (const area of page.areas) {
    const to = area.offset + area.length;
    if (!(Number.isSafeInteger(area.offset) && Number.isSafeInteger(area.length) && area.length >= 0))
      throw broken(`the area of ${area.length} bytes at byte ${area.offset} is none`);
    if (area.offset < start || to > end)
      throw broken(`the area from byte ${area.offset} to ${to} does not lie between bytes ${start} and ${end}`);
    if (area.offset < last)
      throw useless(
        `vSphere's list of changes contradicts itself: the area at byte ${area.offset} comes after one that ends at ${last}`,
      );
    last = to;
  }
  return page.areas;
}

function append(all: { offset: number; length: number }[], areas: readonly Area[]): void {
  for (const { offset, length } of areas) {
    const last = all.at(-1);
    if (length === 0) continue;
    if (last && last.offset + last.length === offset) last.length += length;
    else all.push({ offset, length });
  }
}

/** What the disk itself has to answer: it is read whole. */
const useless = (what: string): SendenseError =>
  new SendenseError('cbt.protocol', what, { details: { readWhole: true } });

/** Why an answer is no use, although nothing speaks against the disk; null: something does. */
export const uselessAnswer = (error: unknown): string | null =>
  error instanceof SendenseError && error.details?.['readWhole'] === true ? error.message : null;

const broken = (what: string): SendenseError => new SendenseError('cbt.protocol', what);
