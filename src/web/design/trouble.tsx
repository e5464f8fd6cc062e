import type { JSX } from 'preact';
import type { Trouble } from '../client/ask.ts';
import { ErrorNotice } from './notice.tsx';

/** Why what a screen shows could not be read. That the hub is silent, or the session over, is told elsewhere. */
export const TroubleNotice = ({ of }: { readonly of: Trouble | undefined }): JSX.Element | null =>
  of && of.status > 0 && of.status !== 401 ? <ErrorNotice error={of} alert /> : null;
