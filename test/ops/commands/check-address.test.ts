import type { RequestListener } from "node:http";
import { expect, test } from "vitest";
import { operator } from "../../support/license-command.ts";
import { serving } from "../serving.ts";

const license = operator({ endpoint: "http://127.0.0.1:9" });
const page = (status: number, text = "<html>Stopped</html>"): RequestListener => {
  return (_request, response) => response.writeHead(status).end(text);
};
const service = page(401, '{"license_valid":false,"code":"license_unknown"}');

test("silence and a 5xx are a gap, through which running bots carry on", async () => {
  for (const url of ["http://127.0.0.1:9", await serving(page(502))]) {
    const ran = await license(["check-address", url, "--expect", "gap"]);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout.match(/running bots carry on/g)).toHaveLength(3);
  }
});

test.for([
  [403, "ENDS running bots"],
  [401, "STOPS running bots"],
  [302, "a redirect"],
  [200, "not safe"],
  [404, "not safe"],
] as const)("a page with %i is never safe, and says why", async ([status, effect]) => {
  const url = await serving(page(status));
  const ran = await license(["check-address", url]);
  expect(ran.exitCode).toBe(1);
  expect(ran.stdout).toContain(effect);
  expect(ran.stderr).toContain("In the gap only silence or a 5xx is allowed.");
});

test.for([
  [403, '{"message":"Forbidden"}'],
  [403, '{"code":403,"status":"Forbidden"}'],
  [404, "null"],
] as const)("a gateway's own JSON is no answer of a service: %i %s", async ([status, text]) => {
  const url = await serving(page(status, text));
  const ran = await license(["check-address", url, "--expect", "service"]);
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr).toContain("no license service");
});

test("a host's own JSON with a 5xx is a gap", async () => {
  const url = await serving(page(503, '{"status":503,"code":"Unavailable"}'));
  expect((await license(["check-address", url, "--expect", "gap"])).exitCode).toBe(0);
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
