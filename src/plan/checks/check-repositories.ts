import type { Finding, Path } from '../../errors/findings/finding.ts';
import type { Plan, Settings } from '../../schemas/types.ts';

const rule = 'settings/compress-encrypted';

/** Of one repository in the settings, whose form need not be right. */
export function repositoryFindings(repository: Readonly<Record<string, unknown>>, path: Path): Finding[] {
  const { compress, encryption } = repository;
  const encrypts = typeof encryption === 'object' && encryption !== null && 'key' in encryption;
  if (compress !== 'zstd' || !encrypts) return [];
  const message = 'the disks of this repository are encrypted, and what is encrypted cannot be compressed';
  return [{ rule, at: { path: [...path, 'compress'], part: 'value' }, message }];
}

/** A plan that compresses what its repository encrypts. */
export function compressionFindings(plan: Plan, settings: Settings): Finding[] {
  const compress = 'compress' in plan ? plan.compress : undefined;
  if (compress !== 'zstd' || !settings.repositories[plan.repository]?.encryption?.key) return [];
  const message = `repository ${plan.repository} encrypts its disks, and what is encrypted cannot be compressed`;
  return [{ rule, at: { path: ['compress'], part: 'value' }, message }];
}
