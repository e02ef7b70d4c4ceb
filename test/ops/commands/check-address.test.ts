import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { operator } from "../../support/license-command.ts";
import { serving } from "../serving.ts";

const license = operator({ endpoint: "http://127.0.0.1:9" });
const page = (status: number, text = "<html>Stopped</html>"): RequestListener => {
  return (_request, response) => response.writeHead(status).end(text);
};
const service = page(401, '{"license_valid":false,"code":"license_unknown"}');

test("silence and a 5xx, a page or a host's own JSON, are a gap, through which running bots carry on", async () => {
  const json = '{"status":503,"code":"Unavailable"}';
  for (const answer of [page(502), page(503, json), undefined]) {
    const url = answer ? await serving(answer) : "http://127.0.0.1:9";
    const ran = await license(["check-address", url, "--expect", "gap"]);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout.match(/running bots carry on/g)).toHaveLength(3);
  }
});

test.for([
  [403, undefined, "ENDS running bots"],
  [401, undefined, "STOPS running bots"],
  [302, undefined, "a redirect"],
  [200, undefined, "not safe"],
  [404, undefined, "not safe"],
  // A gateway's own JSON is no answer of a service.
  [403, '{"message":"Forbidden"}', "ENDS running bots"],
  [403, '{"code":403,"status":"Forbidden"}', "ENDS running bots"],
  [404, "null", "not safe"],
] as const)("a page with %i is never safe, and says why: %s", async ([status, text, effect]) => {
  const url = await serving(page(status, text));
  const ran = await license(["check-address", url, "--expect", "service"]);
  expect(ran.exitCode).toBe(1);
  expect(ran.stdout).toContain(effect);
  expect(ran.stderr).toContain("no license service. In the gap only silence or a 5xx is allowed.");
});

test.for([
  '{"license_valid":false}',
  '{"status":"info","message":"No session."}',
  '{"code":"license_unknown"}',
])("the old server and this one are a service: %s", async (text) => {
  const url = await serving(page(500, text));
  expect((await license(["check-address", url, "--expect", "service"])).exitCode).toBe(0);
});

test.for(["/v1", "/v1/"])("an address with the path %s is asked below it", async (path) => {
  const asked: (string | undefined)[] = [];
  const url = await serving((request, response) => {
    asked.push(request.url);
    service(request, response);
  });
  await license(["check-address", url + path]);
  expect(asked.sort()).toEqual([
    "/v1/api/heartbeat",
    "/v1/api/session/release",
    "/v1/api/validate-license",
  ]);
});

test("one page among three answers is enough to be not safe", async () => {
  const url = await serving((request, response) =>
    (request.url === "/api/heartbeat" ? page(403) : page(503))(request, response),
  );
  const ran = await license(["check-address", url, "--json"]);
  expect(ran.exitCode).toBe(1);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    ok: false,
    answers: [{ answering: "failure" }, { answering: "something else", status: 403 }, {}],
  });
});

test("a service is what is expected before and after, and no gap", async () => {
  const url = await serving(service);
  expect((await license(["check-address", url, "--expect", "service"])).exitCode).toBe(0);
  const ran = await license(["check-address", url, "--expect", "gap"]);
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr).toContain("Never let two services answer");
});
