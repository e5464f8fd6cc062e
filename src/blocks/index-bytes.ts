import {
  encodeFooter,
  encodeHeader,
  encodeTable,
  footerBytes,
  headerBytes,
  pageKinds,
  rootOf,
  storedPageBytes,
  zeroDigest,
  zeroPage,
  type PageEntry,
} from './block-index-format.ts';
import type { IndexReader } from './index-reader.ts';
import { formHeader, recordIn, type IndexForm } from './index-form.ts';
import type { PageRecord } from './page-records.ts';

/**
 * The bytes of a file with the content of an index in another form, front to back, the same each time.
 * @throws SendenseError `repository.damaged` where a page has to be read that is
 */
export async function* indexBytes(index: IndexReader, form: IndexForm): AsyncGenerator<Buffer> {
  const { capacity } = index;
  const entries: PageEntry[] = [];
  let position: number = headerBytes[form.format];
  yield encodeHeader(formHeader(form, capacity));
  for (let page = 0; page < index.pageCount; page++) {
    const digest = index.pageDigest(page);
    if (digest.equals(zeroDigest)) {
      entries.push(zeroPage);
    } else if (form.parent?.index.pageDigest(page).equals(digest)) {
      entries.push({ kind: pageKinds.same, position: 0, length: 0, digest });
    } else {
      const { kind, data } = await recordOf(index, form, page);
      entries.push({ kind, position, length: data.length, digest });
      position += data.length;
      yield data;
    }
  }
  const table = encodeTable(form.format, entries);
  yield table;
  const root = rootOf(capacity, Buffer.concat(entries.map(({ digest }) => digest)));
  yield encodeFooter(root, position + table.length + footerBytes);
}

async function recordOf(index: IndexReader, form: IndexForm, page: number): Promise<PageRecord> {
  // What is stored whole is passed on as it is: whoever reads it proves it.
  const stored = form.format === 2 && form.parent === null ? await index.storedPage(page) : null;
  if (stored) return stored.kind === pageKinds.dense ? recordIn(form, stored.data, null) : stored;
  const digests = (await index.page(page))?.subarray(0, storedPageBytes(index.capacity, page));
  if (!digests) throw new RangeError(`page ${page} of ${index.path} has a digest but no content`);
  return recordIn(form, digests, (await form.parent?.index.page(page)) ?? null);
}
