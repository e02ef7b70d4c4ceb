/** Who changed a license, when and why: kept in the item for the last change. */
export type ChangeNote = {
  /** An IAM identity, or a user of a machine. */
  by: string;
  atMs: number;
  reason?: string | undefined;
  /** The operation over several licenses that the change is part of. */
  operation?: string | undefined;
};

/** A note as attributes of the item. */
export function noteAttributes({ by, atMs, reason }: ChangeNote) {
  return {
    changed_by: by,
    changed_at: atMs,
    ...(reason !== undefined && { change_reason: reason }),
  };
}
