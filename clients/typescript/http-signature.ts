// The part of HTTP Message Signatures (RFC 9421) that the service's answers need.

/** A component that a signature covers, as `"@method";req`. */
type Component = {
  /** Empty if it is a kind that the service's answers never use. */
  name: string;
  /** Whether it is a component of the request (`;req`). */
  ofRequest: boolean;
  /** The text as in the field, which also appears unchanged in the signature base. */
  text: string;
};

export type SignatureInput = {
  components: Component[];
  /** Only parameters that are strings or integers. */
  parameters: ReadonlyMap<string, string | number>;
  /** The value of `@signature-params`: the whole member of the field. */
  text: string;
};

/** The parts of a message that a signature may cover; header names are lower case. */
export type SignedMessage = {
  derived: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
};

const key = "[a-z*][a-z0-9_.*-]*";
const string = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"';
// Accepts more than the service sends, because a proxy may have added its own signature.
const other =
  "-?\\d{1,15}(?:\\.\\d{1,3})?|\\?[01]|:[A-Za-z0-9+/=]*:|[A-Za-z*][\\w!#$%&'*+.^`|~:/-]*";
const parameter = `;${key}(?:=(?:${string}|${other}))?`;
const item = `${string}(?:${parameter})*`;
const member = new RegExp(`(${key})=(\\(((?:${item}(?: ${item})*)?)\\)((?:${parameter})*))`, "y");
const namedValue = new RegExp(`;(${key})(?:=(${string}|${other}))?`, "g");
const comma = /[ \t]*,[ \t]*/y;

/** @returns the signatures by label; `undefined` if the field can't be parsed */
export function parseSignatureInput(field: string): Map<string, SignatureInput> | undefined {
  return parseDictionary(field, member, (match) => {
    const [, , text = "", items = "", parameterText = ""] = match;
    const parameters = new Map<string, string | number>();
    for (const [, name = "", value = ""] of parameterText.matchAll(namedValue)) {
      if (parameters.has(name)) return undefined;
      if (value.startsWith('"'))
        parameters.set(name, value.slice(1, -1).replaceAll(/\\(.)/g, "$1"));
      else if (/^\d+$/.test(value)) parameters.set(name, Number(value));
    }
    const components = [...items.matchAll(new RegExp(item, "g"))].map(([component]) => {
      const [, name = "", flags = ""] = /^"([a-z@][a-z0-9-]*)"(|;req)$/.exec(component) ?? [];
      return { name, ofRequest: flags === ";req", text: component };
    });
    return { components, parameters, text };
  });
}

/** Parses `sig1=:cGVy...:` or `sha-256=:X48E...:`: bytes by label; `undefined` if that fails. */
export function parseByteSequences(field: string): Map<string, Uint8Array> | undefined {
  const sequence = new RegExp(`(${key})=:([A-Za-z0-9+/]*={0,2}):`, "y");
  return parseDictionary(field, sequence, ([, , base64 = ""]) => bytesOfBase64(base64));
}

/** The signature base (RFC 9421, 2.5); `undefined` if a covered component is missing. */
export function signatureBase(
  { components, text }: SignatureInput,
  message: SignedMessage,
  request: SignedMessage,
): string | undefined {
  const lines: string[] = [];
  for (const { name, ofRequest, text: component } of components) {
    const { derived, headers } = ofRequest ? request : message;
    const value = name.startsWith("@") ? derived[name] : headers[name];
    if (value === undefined || /[\r\n]/.test(value)) return undefined;
    lines.push(`${component}: ${value.trim()}`);
  }
  return [...lines, `"@signature-params": ${text}`].join("\n");
}

export function bytesOfBase64(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function parseDictionary<Value>(
  field: string,
  pattern: RegExp,
  read: (match: RegExpExecArray) => Value | undefined,
): Map<string, Value> | undefined {
  const members = new Map<string, Value>();
  const text = field.trim();
  for (let at = 0; ; at = comma.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const label = match?.[1];
    const value = match ? read(match) : undefined;
    if (label === undefined || value === undefined || members.has(label)) return undefined;
    members.set(label, value);
    if (pattern.lastIndex === text.length) return members;
    comma.lastIndex = pattern.lastIndex;
    if (!comma.test(text)) return undefined;
  }
}
