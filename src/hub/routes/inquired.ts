import type { HubInquiry } from '../../schemas/types.ts';
import type { Inquiry } from '../acts/inquiries.ts';

/** How far a question is, as the API tells it. */
export const inquired = (inquiry: Inquiry | undefined): HubInquiry => ({
  state: inquiry === undefined ? 'never' : inquiry.ended === null ? 'running' : 'ended',
  by: inquiry?.by ?? null,
  begun: inquiry?.begun ?? null,
  ended: inquiry?.ended ?? null,
  error: inquiry?.error ?? null,
});
