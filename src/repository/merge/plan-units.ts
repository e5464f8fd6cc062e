/** A restore point as planning a removal sees it: a manifest, or what the database knows of one. */
export interface UnitPoint {
  readonly backup_id: string;
  readonly disks: readonly {
    readonly number: number;
    readonly parent: string | null;
    readonly capacity_bytes: number;
  }[];
}

/** What is removed in one go, with one intent. */
export interface RemovalUnit {
  /** The kept restore point that takes in what it is built on; null: nothing that is kept is built on what goes. */
  readonly child: string | null;
  /** Those that go, what is built on others before them. */
  readonly drop: readonly string[];
  /** The child's disks that are built on what goes. */
  readonly disks: readonly {
    readonly number: number;
    /** What is merged with it, newest first. */
    readonly run: readonly string[];
    /** What it is built on then. */
    readonly parent: string | null;
  }[];
}

export interface RemovalPlan {
  /** In the order in which they can be done: nothing that is there is built on what is gone. */
  readonly units: readonly RemovalUnit[];
  /** What has to stay, and why. */
  readonly stays: ReadonlyMap<string, string>;
}

interface Chains {
  readonly byId: ReadonlyMap<string, UnitPoint>;
  children(id: string, number: number): readonly string[];
}

function chainsIn(points: readonly UnitPoint[]): Chains {
  const children = new Map<string, string[]>();
  for (const { backup_id: id, disks } of points) {
    for (const { number, parent } of disks) {
      const key = `${number}/${parent}`;
      children.set(key, [...(children.get(key) ?? []), id]);
    }
  }
  return {
    byId: new Map(points.map((point) => [point.backup_id, point])),
    children: (id, number) => children.get(`${number}/${id}`) ?? [],
  };
}

/**
 * How restore points of one VM can be removed so that all others stay as they are. Pure.
 * @param points all that there are; what is built on itself stays
 */
export function planUnits(points: readonly UnitPoint[], remove: ReadonlySet<string>): RemovalPlan {
  const chains = chainsIn(points);
  const drop = new Set([...remove].filter((id) => chains.byId.has(id)));
  const stays = new Map<string, string>();
  // What stays after all is built on, too: from the top down, one at a time.
  for (let next = obstacle(chains, drop); next; next = obstacle(chains, drop)) {
    drop.delete(next.id);
    stays.set(next.id, next.reason);
  }
  const units = inOrder(chains, unitsOf(chains, drop));
  for (const id of drop) {
    if (!units.some((unit) => unit.drop.includes(id)))
      stays.set(id, 'its disks and those of other points that go are built on each other');
  }
  return { units, stays };
}

/** Those that stay and are built on this disk, each the first on its way up. */
function heirs({ children }: Chains, drop: ReadonlySet<string>, id: string, number: number): string[] {
  const found = new Set<string>();
  const open = [...children(id, number)];
  const seen = new Set<string>();
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    if (drop.has(at)) open.push(...children(at, number));
    else found.add(at);
  }
  return [...found];
}

/** One that cannot go although all above it that go can. */
function obstacle(chains: Chains, drop: ReadonlySet<string>): { id: string; reason: string } | null {
  for (const id of childrenFirst(chains, [...drop])) {
    const { disks = [] } = chains.byId.get(id) ?? {};
    const all = new Set<string>();
    for (const { number, capacity_bytes: capacity } of disks) {
      for (const heir of heirs(chains, drop, id, number)) {
        all.add(heir);
        const own = chains.byId.get(heir)?.disks.find((disk) => disk.number === number);
        if (own?.capacity_bytes !== capacity) return { id, reason: `disk-${number} of ${heir} has another capacity` };
      }
    }
    if (all.size > 1) return { id, reason: `${[...all].toSorted().join(' and ')} are built on it` };
  }
  return null;
}

function unitsOf(chains: Chains, drop: ReadonlySet<string>): RemovalUnit[] {
  const byChild = new Map<string | null, string[]>();
  for (const id of drop) {
    const { disks = [] } = chains.byId.get(id) ?? {};
    const child = disks.flatMap(({ number }) => heirs(chains, drop, id, number))[0] ?? null;
    byChild.set(child, [...(byChild.get(child) ?? []), id]);
  }
  return [...byChild].flatMap(([child, ids]): RemovalUnit[] => {
    if (child === null) return ids.map((id) => ({ child, drop: [id], disks: [] }));
    return [{ child, drop: childrenFirst(chains, ids), disks: runsBelow(chains, drop, child) }];
  });
}

function runsBelow(chains: Chains, drop: ReadonlySet<string>, child: string): RemovalUnit['disks'] {
  const parentOf = (id: string, number: number): string | null =>
    chains.byId.get(id)?.disks.find((disk) => disk.number === number)?.parent ?? null;
  return (chains.byId.get(child)?.disks ?? []).flatMap(({ number, parent: first }) => {
    const run: string[] = [];
    let parent = first;
    for (; parent !== null && drop.has(parent) && !run.includes(parent); parent = parentOf(parent, number))
      run.push(parent);
    return run.length === 0 ? [] : [{ number, run, parent }];
  });
}

const isBuiltOn = ({ byId }: Chains, id: string, below: string): boolean =>
  byId.get(id)?.disks.some(({ parent }) => parent === below) ?? false;

function childrenFirst(chains: Chains, ids: readonly string[]): string[] {
  const left = ids.toSorted().reverse();
  const ordered: string[] = [];
  while (left.length > 0) {
    const at = left.findIndex((id) => !left.some((other) => other !== id && isBuiltOn(chains, other, id)));
    ordered.push(...left.splice(Math.max(at, 0), 1));
  }
  return ordered;
}

/** A unit comes when nothing of another one is built on it any more; those that wait for each other never come. */
function inOrder(chains: Chains, units: readonly RemovalUnit[]): RemovalUnit[] {
  const left = units.toSorted((a, b) => ((a.drop[0] ?? '') < (b.drop[0] ?? '') ? 1 : -1));
  const ordered: RemovalUnit[] = [];
  for (;;) {
    const at = left.findIndex(
      (unit) =>
        !left.some(
          (other) =>
            other !== unit && other.drop.some((above) => unit.drop.some((below) => isBuiltOn(chains, above, below))),
        ),
    );
    if (at < 0) return ordered;
    ordered.push(...left.splice(at, 1));
  }
}

/** These, and every point whose chains have files of theirs. An id that is not among the points may have had any disk. */
export function affectedBy(points: readonly UnitPoint[], ids: readonly string[]): Set<string> {
  const { byId, children } = chainsIn(points);
  const numbers = [...new Set(points.flatMap(({ disks }) => disks.map(({ number }) => number)))];
  const numbersOf = (id: string): readonly number[] => byId.get(id)?.disks.map(({ number }) => number) ?? numbers;
  const found = new Set(ids);
  const open = ids.flatMap((id) => numbersOf(id).map((number) => ({ id, number })));
  const seen = new Set<string>();
  for (let at = open.pop(); at; at = open.pop()) {
    const { id, number } = at;
    if (seen.has(`${number}/${id}`)) continue;
    seen.add(`${number}/${id}`);
    for (const above of children(id, number)) {
      found.add(above);
      open.push({ id: above, number });
    }
  }
  return found;
}
