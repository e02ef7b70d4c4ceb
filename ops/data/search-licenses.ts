import { deviceOf } from "../../lambdas/rules/entry.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { entriesOf, type LicenseItem } from "./license-item.ts";

/** Shorter beginnings of an id would find too much. */
const leastOfId = 4;

/**
 * Whether a license is what somebody looks for by this text: its key, its id or the beginning of it,
 * a part of the address, the beginning of a device's name, a symbol, or the day it ends on.
 */
export function isFoundBy(license: LicenseItem, text: string): boolean {
  const id = text.toLowerCase();
  const { license_id, email, sessions, license_expiration: ends } = license;
  return (
    license_id === licenseIdOf(text) ||
    (id.length >= leastOfId && license_id.startsWith(id)) ||
    isIn(email, text) ||
    entriesOf(license).some(([, entry]) => isDeviceOf(deviceOf(entry), text)) ||
    Object.hasOwn(sessions, text.toUpperCase()) ||
    (ends !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && isoDay(ends) === text)
  );
}

/** Whether the text is part of the address, in any case and either form of accented letters. */
export function isIn(email: string | undefined, part: string): boolean {
  const inOneForm = (value: string) => value.normalize("NFC").toLowerCase();
  return email !== undefined && inOneForm(email).includes(inOneForm(part));
}

/** Whether the text is the device or the beginning of it, also as answers and logs show it. */
export function isDeviceOf(device: string | undefined, text: string): boolean {
  return device?.startsWith(text.replace(/\.\.\.$/, "")) === true;
}

function isoDay(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 10);
}
