/** A period in which a device could rightly believe that it held the session of a license. */
type HeldTime = { license: number; device: string; fromMs: number; toMs: number };

export type Overlap = { license: number; devices: [string, string]; fromMs: number; toMs: number };

/** Collects the rights of all devices, on one clock. */
export function openHeldTimes() {
  const all: HeldTime[] = [];
  const current = new Map<string, HeldTime>();
  const nameOf = (license: number, device: string) => `${license} ${device}`;

  return {
    all,
    /**
     * The service has confirmed the session. The right begins when the answer arrives and ends one
     * timeout after the request was sent, because the server can't have set its timer any earlier.
     */
    confirmed(
      license: number,
      device: string,
      sentMs: number,
      answeredMs: number,
      timeoutMs: number,
    ) {
      const toMs = sentMs + timeoutMs;
      const right = current.get(nameOf(license, device));
      if (right && right.toMs >= answeredMs) {
        right.toMs = Math.max(right.toMs, toMs);
        return;
      }
      const begun = { license, device, fromMs: answeredMs, toMs };
      current.set(nameOf(license, device), begun);
      all.push(begun);
    },
    /**
     * The device knows that it no longer holds the session: it released it, or an answer said so.
     */
    over(license: number, device: string, atMs: number) {
      const right = current.get(nameOf(license, device));
      if (right) right.toMs = Math.min(right.toMs, atMs);
      current.delete(nameOf(license, device));
    },
    heldAt(nowMs: number): number {
      return [...current.values()].filter(({ toMs }) => toMs > nowMs).length;
    },
  };
}

/** Every interval in which two devices had a right to the same session. */
export function overlapsOf(rights: readonly HeldTime[]): Overlap[] {
  return [...Map.groupBy(rights, ({ license }) => license).values()].flatMap((ofLicense) => {
    const sorted = ofLicense
      .filter(({ fromMs, toMs }) => fromMs < toMs)
      .sort((a, b) => a.fromMs - b.fromMs);
    return sorted.flatMap((first, index) =>
      sorted
        .slice(index + 1)
        .filter((second) => second.device !== first.device && second.fromMs < first.toMs)
        .map((second) => ({
          license: first.license,
          devices: [first.device, second.device] satisfies [string, string],
          fromMs: second.fromMs,
          toMs: Math.min(first.toMs, second.toMs),
        })),
    );
  });
}
