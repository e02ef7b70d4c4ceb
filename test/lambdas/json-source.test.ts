import fc from "fast-check";
import { expect, test } from "vitest";
import { memberSource } from "../../lambdas/http/json-source.ts";

test.for([
  ['{"metadata":{"a":1}}', '{"a":1}'],
  ['{ "x" : [{"metadata":0}], "metadata" :\n {"n": 1.50} , "y":1}', '{"n": 1.50}'],
  ['{"metadata":1,"metadata":"last \\" one } wins"}', '"last \\" one } wins"'],
  ['{"\\u006detadata":[",",":","{"]}', '[",",":","{"]'],
  ['{"x":"metadata","y":{"metadata":1}}', undefined],
  ["{}", undefined],
] as const)("of %s the member metadata is %s", ([source, text]) => {
  expect(memberSource(source, "metadata")).toBe(text);
});

test("whatever the object, the text of a member parses to what JSON.parse finds there", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (object, pretty) => {
      const source = JSON.stringify(object, null, pretty ? 2 : 0);
      for (const [name, value] of Object.entries<unknown>(JSON.parse(source))) {
        expect(JSON.parse(memberSource(source, name) ?? "")).toEqual(value);
      }
    }),
  );
});
