// HTTP Message Signatures, RFC 9421, as far as the answers of the service need them.

/** A component that a signature covers, as `"@method";req`. */
type Component = {
  name: string;
  /** Of the request that was answered. */
  ofRequest: boolean;
  /** As it stands in the field, which is how it stands in what is signed. */
  text: string;
};

export type SignatureInput = {
  components: Component[];
  parameters: ReadonlyMap<string, string | number>;
  /** The value of `@signature-params`: the whole member of the field. */
  text: string;
};

/** A message with what a signature may cover; names of headers in lower case. */
export type SignedMessage = {
  derived: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
};

const key = "[a-z*][a-z0-9_.*-]*";
const string = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"';
const parameter = `;(${key})=(${string}|-?\\d{1,15})`;
const item = `"[a-z@][a-z0-9-]*"(?:;req)?`;
const member = new RegExp(
  `(${key})=(\\((${item}(?: ${item})*)?\\)((?:${parameter.replaceAll(/\((?!\?)/g, "(?:")})*))`,
  "y",
);
const comma = /[ \t]*,[ \t]*/y;

/** @returns by label; `undefined` if the field can't be read */
export function parseSignatureInput(field: string): Map<string, SignatureInput> | undefined {
  return parseDictionary(field, member, (match) => {
    const [, , text = "", items = "", parameterText = ""] = match;
    const parameters = new Map<string, string | number>();
    for (const [, name = "", value = ""] of parameterText.matchAll(new RegExp(parameter, "g"))) {
      if (parameters.has(name)) return undefined;
      const isString = value.startsWith('"');
      parameters.set(
        name,
        isString ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : Number(value),
      );
    }
    const components = [...items.matchAll(new RegExp(item, "g"))].map(([component]) => ({
      name: component.slice(1, component.lastIndexOf('"')),
      ofRequest: component.endsWith(";req"),
      text: component,
    }));
    return { components, parameters, text };
  });
}

/** A field as `sig1=:cGVy...:` or `sha-256=:X48E...:`: by label; `undefined` if it can't be read. */
export function parseByteSequences(field: string): Map<string, Uint8Array> | undefined {
  const sequence = new RegExp(`(${key})=:([A-Za-z0-9+/]*={0,2}):`, "y");
  return parseDictionary(field, sequence, ([, , base64 = ""]) => bytesOfBase64(base64));
}

/** What is signed (RFC 9421, 2.5); `undefined` if something that is covered is not there. */
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
