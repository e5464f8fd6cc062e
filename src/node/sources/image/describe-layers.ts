import type { JudgedFile, JudgedLayer } from './judge-layers.ts';

/** So many files of a chain are named: QEMU needs the third power of that to read a description (`host/images/image-options.ts`). */
const mostNamed = 24;

interface DescribeOptions {
  readonly forceShare: boolean;
  /** Only the image itself: what it is built on is not opened. */
  readonly alone?: boolean;
}

/**
 * The name under which QEMU's programs open an image and the files that were judged, each with its format. What is deeper than
 * `mostNamed` goes by the headers, and so do the extents of a VMDK; {@link import('./opened-files.ts').assertOpened} sees what they led to.
 */
export const describeLayers = (layer: JudgedLayer, { forceShare, alone = false }: DescribeOptions): string =>
  `json:${JSON.stringify({ ...graphOf(layer, alone, 1), ...(forceShare ? { 'force-share': true } : {}) })}`;

function graphOf(layer: JudgedLayer, alone: boolean, depth: number): object {
  const { format, dataFile, backing } = layer;
  const graph = {
    driver: format,
    file: fileOf(layer),
    ...(dataFile ? { 'data-file': fileOf(dataFile) } : {}),
  };
  if (format !== 'qcow2' && format !== 'vmdk') return graph;
  if (backing === null || alone) return { ...graph, backing: null };
  // Left out, the header counts.
  return depth >= mostNamed ? graph : { ...graph, backing: graphOf(backing, alone, depth + 1) };
}

const fileOf = ({ path, block }: JudgedFile): object => ({ driver: block ? 'host_device' : 'file', filename: path });
