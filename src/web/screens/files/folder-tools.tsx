import type { JSX } from 'preact';
import type { RestorePointOutput } from '../../../schemas/types.ts';
import { go } from '../../shell/router.ts';
import { pointName } from './point-name.ts';
import { addressOfPlace, type Where } from '../../shell/files-place.ts';

export interface FolderToolsProps {
  readonly where: Where;
  readonly points: readonly RestorePointOutput[];
}

/** Search below the folder, and compare it with another restore point. */
export function FolderTools({ where, points }: FolderToolsProps): JSX.Element {
  const others = points.filter(
    ({ backup_id: id, repository }) => id !== where.point && repository === where.repository,
  );
  const listing = { ...where, find: '', in: '', with: '', file: '' };
  return (
    <div class="folder-tools">
      <form
        class="table-tools"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const [find, all] = [String(form.get('find')).trim(), form.get('all') === null ? '' : 'all'];
          go(addressOfPlace({ ...listing, find, in: find === '' ? '' : all }));
        }}
      >
        <input
          class="input small"
          type="search"
          name="find"
          aria-label="Search below this folder"
          placeholder="Search below: *.conf, invoice"
          key={where.find}
          defaultValue={where.find}
          spellcheck={false}
        />
        <label class="tick">
          <input type="checkbox" name="all" defaultChecked={where.in === 'all'} />
          in all {points.length} restore points
        </label>
        <button type="submit" class="button small">
          Search
        </button>
      </form>
      {others.length === 0 ? null : (
        <label class="compare-choice">
          <span>Compare with</span>
          <select
            class="input small"
            value={where.with}
            onChange={({ currentTarget: { value } }) => go(addressOfPlace({ ...listing, with: value }))}
          >
            <option value="">no other</option>
            {others.map((point) => (
              <option key={point.backup_id} value={point.backup_id}>
                {pointName(point)}
              </option>
            ))}
          </select>
        </label>
      )}
      {where.find !== '' || where.with !== '' ? (
        <a class="button small" href={addressOfPlace(listing)}>
          Back to the folder
        </a>
      ) : null}
    </div>
  );
}
