import type { DiscoverOutput } from '../../schemas/types.ts';
import type { DiscoveryOf, SourceType } from '../../sources/source-kind.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printableText } from '../text.ts';
import { imageLines } from './image-vms-report.ts';
import { planLines } from './plan-lines.ts';
import { vmReport } from './vm-report.ts';
import { vsphereLines } from './vsphere-vms-report.ts';

interface DiscoveryReport<T extends SourceType> {
  /** The VMs; warnings and the plan that was written come after them. */
  vms(output: DiscoveryOf<T>, options: SummaryOptions): string[];
  /** All that is known of the one VM that was asked for; null: no more than of one among many. */
  readonly vm: ((output: DiscoveryOf<T>, options: SummaryOptions) => string[]) | null;
}

/** What each kind of source prints. */
const reports: { readonly [T in SourceType]: DiscoveryReport<T> } = {
  image: { vms: imageLines, vm: null },
  vsphere: { vms: vsphereLines, vm: vmReport },
};

/** VMs with what would stop or weaken a backup of each. @param one somebody asked for one VM */
export function discoverReport(output: DiscoverOutput, options: SummaryOptions, one: boolean): string[] {
  const { style, columns } = options;
  const { warning } = style.symbols;
  const report = reports[output.type] as DiscoveryReport<SourceType>;
  if (one && report.vm) return report.vm(output, options);
  return [
    ...report.vms(output, options),
    ...output.warnings.flatMap((text) => labelled(`${warning} `, printableText(text), columns).map(style.yellow)),
    ...planLines(output.plan_file, options),
  ];
}
