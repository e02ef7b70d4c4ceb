/**
 * The text of a member of a JSON object, exactly as it stands in the source: `JSON.parse` and
 * `JSON.stringify` would round its large numbers and reorder its keys. Of members with the same
 * name the last one counts, as for `JSON.parse`.
 *
 * @param source text that `JSON.parse` has accepted as an object
 * @returns `undefined` if the object has no such member
 */
export function memberSource(source: string, name: string): string | undefined {
  let found: { from: number; to: number } | undefined;
  let depth = 0;
  let memberName: string | undefined;
  let valueStart = 0;
  // Strings are tokens of their own, so that no punctuation inside of one is taken for structure.
  for (const { 0: token, index } of source.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    // At each token of the member; the last one ends it.
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
