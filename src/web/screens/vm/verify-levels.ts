/** How thoroughly restore points are verified. */
export const levels = [
  { value: 'digests', word: 'Content against its digests' },
  { value: 'quick', word: 'Quick: names, sizes, manifests' },
  { value: 'deep', word: 'Deep: every byte' },
] as const;
