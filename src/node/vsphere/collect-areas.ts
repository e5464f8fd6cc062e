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

/**
 * All areas of a disk, from pages that must cover it: each begins where it was asked and gets on, the last ends exactly at
 * the capacity, areas ascend within their page. Areas that touch are joined. The capacity itself is never asked.
 * @throws SendenseError `cbt.protocol`
 */
export async function collectAreas(
  capacity: number,
  ask: (start: number) => Promise<AreaPage>,
  limit = mostPages,
): Promise<Area[]> {
  if (!Number.isSafeInteger(capacity) || capacity < 0) throw broken(`${capacity} is no size of a disk`);
  const all: { offset: number; length: number }[] = [];
  let asked = 0;
  for (let pages = 0; asked < capacity; pages++) {
    if (pages === limit) throw broken(`${limit} answers reached only byte ${asked} of ${capacity}`);
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
    if (area.offset < last || to > end)
      throw broken(`the area from byte ${area.offset} to ${to} does not lie between bytes ${last} and ${end}`);
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

const broken = (what: string): SendenseError => new SendenseError('cbt.protocol', what);
