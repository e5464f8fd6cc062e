const up = '..';

/**
 * The target of a link as it is shown in a mounted volume: unchanged, if it leads nowhere out of it, else a relative one that leads to
 * the same place with the volume's root as `/`. Otherwise programs of this machine would follow it to files of this machine.
 * @param link path of the link, without links on the way, below the volume's root
 */
export function innerLink(link: Buffer, target: Buffer): Buffer {
  const words = partsOf(target);
  const folder = partsOf(link).slice(0, -1);
  const first = words.findIndex((word) => word !== up);
  const ups = first < 0 ? words.length : first;
  // Where `..` comes after a name, that name may be a link.
  const isSafe = target[0] !== 0x2f && ups <= folder.length && !words.slice(ups).includes(up);
  if (isSafe) return target;
  const reached = target[0] === 0x2f ? [] : [...folder];
  for (const word of words) {
    if (word === up) reached.pop();
    else reached.push(word);
  }
  const relative = [...folder.map(() => up), ...reached];
  return Buffer.from(relative.length === 0 ? '.' : relative.join('/'), 'latin1');
}

const partsOf = (path: Buffer): string[] =>
  path
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
