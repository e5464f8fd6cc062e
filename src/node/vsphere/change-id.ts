/** A change id of vSphere: `52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81`. */
export interface ChangeId {
  /** Of the tracking: another one means that tracking began anew. */
  readonly uuid: string;
  /** Opaque. */
  readonly sequence: string;
}

/** Null where the text has another form; such a change id is not compared, only handed back to vSphere. */
export function parseChangeId(text: string): ChangeId | null {
  const [, uuid, sequence] = /^([^/]+)\/([^/]+)$/.exec(text.trim()) ?? [];
  return uuid === undefined || sequence === undefined ? null : { uuid: uuid.trim().toLowerCase(), sequence };
}
