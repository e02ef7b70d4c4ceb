/**
 * The text of a member of a JSON object, exactly as in the source: `JSON.parse` and
 * `JSON.stringify` would round large numbers and reorder keys. If a name occurs more than once, the
 * last one counts, as in `JSON.parse`.
 *
 * @param source text that `JSON.parse` has accepted as an object
 * @returns `undefined` if the object has no such member
 */
export function memberSource(source: string, name: string): string | undefined {
  let found: { from: number; to: number } | undefined;
  let depth = 0;
  let memberName: string | undefined;
  let valueStart = 0;
  // A whole string is one token, so that punctuation inside it is not mistaken for structure.
  for (const { 0: token, index } of source.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    // Every token of the member moves the end, so the last one sets it.
    if (memberName === name) found = { from: valueStart, to: index };

    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth !== 1) continue;
    else if (token === ",") memberName = undefined;
    else if (token === ":") valueStart = index + 1;
    else if (memberName === undefined) memberName = JSON.parse(token);
  }
  return found && source.slice(found.from, found.to).trim();
}
