import type { Version } from './plan-draft.ts';

/** With what a new plan begins. Nothing of it is valid until somebody has filled it in. */
export const newPlan: Version = {
  etag: '',
  text: `version: 1
kind: backup
name: 
vm:
  name: 
  source: 
repository: 
schedule: { cron: '30 1 * * *', timezone: UTC }
`,
};
