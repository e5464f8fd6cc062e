import type { Picture } from './picture.ts';

/** What can be seen of a guest from outside, whatever runs it. */
export interface SeenGuest {
  isRunning(): boolean | Promise<boolean>;
  /** What it wrote to its first serial port so far, the last mebibyte. */
  serial(): Promise<string>;
  /** Why its serial port cannot be read; null or absent: it can. */
  readonly silent?: string | null;
  /** Whether its firmware says that there is nothing on the disks that it can start. */
  foundNothing(): Promise<boolean>;
  /** Whether the guest agent answers. */
  agentAnswers(): Promise<boolean>;
  /** What its screen shows; null: it cannot be told now. */
  picture(): Promise<Picture | null>;
}
