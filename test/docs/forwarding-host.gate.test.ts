import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { askAddress } from "../../ops/data/ask-address.ts";
import { endsWithRun } from "../support/ends-with-run.ts";
import { freePort } from "../support/engines.ts";
import { npmStart } from "../support/service-process.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/moving-over.md"), "utf8");
const [server = "", included = ""] = [...page.matchAll(/^```nginx\n(.*?)^```/gms)].map(
  ([, block = ""]) => block,
);
const gap = /`(location = \/api\/heartbeat \{ return 503; \})`/.exec(page)?.[1] ?? "";
const name = "licenses.example.com";

test.skipIf(spawnSync("nginx", ["-v"]).error)(
  "the forwarding host of docs/moving-over.md is taken by nginx, passes requests on, and follows the name to another address",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "license-sessions-nginx-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const service = await npmStart({ DATA_DIR: folder, LEGACY_BOTS: "true" });
    onTestFinished(async () => void (await service.stop()));
    let leadsTo = "127.0.0.1";
    const servedBy: string[] = [];
    const resolver = await startResolver(() => leadsTo);
    makeCertificate(folder);
    const passOn = async (on: string, request: IncomingMessage, response: ServerResponse) => {
      servedBy.push(on);
      const body = await text(request);
      const answer = await fetch(`${service.url}${request.url}`, { method: "POST", body });
      // API Gateway knows its APIs by the name that is asked for.
      response.writeHead(request.headers.host === name ? answer.status : 403);
      response.end(request.headers.host === name ? await answer.text() : "");
    };
    const upstream = await startUpstream(folder, "127.0.0.1", 0, passOn);
    await startUpstream(folder, "127.0.0.2", upstream, passOn);

    const port = await freePort();
    const write = (block: string) => writeConfig(folder, block, { port, resolver, upstream });
    write(server);
    const options = ["-e", "stderr", "-c", join(folder, "nginx.conf"), "-g", "daemon off;"];
    const host = endsWithRun(spawn("nginx", options, { stdio: ["ignore", "ignore", "pipe"] }));
    let said = "";
    host.stderr.on("data", (chunk) => {
      said += chunk;
    });
    onTestFinished(async () => {
      if (host.kill()) await once(host, "exit");
    });
    const answering = async () =>
      (await askAddress(`http://127.0.0.1:${port}`, "/api/heartbeat")).answering;
    await expect.poll(async () => said || (await answering())).toBe("service");
    expect(servedBy.at(-1)).toBe("127.0.0.1");

    leadsTo = "127.0.0.2";
    await expect.poll(async () => (await answering()) && servedBy.at(-1)).toBe("127.0.0.2");

    const heartbeats = server.split("\n").find((line) => line.includes("/api/heartbeat")) ?? "";
    write(server.replace(heartbeats, gap));
    host.kill("SIGHUP");
    await expect.poll(answering).toBe("failure");
  },
);

/** What the page has, with addresses of this machine in place of its own. */
function writeConfig(
  folder: string,
  block: string,
  ports: { port: number; resolver: number; upstream: number },
): void {
  const here = block
    .replace(/^resolver \S+ valid=30s;/m, `resolver 127.0.0.1:${ports.resolver} valid=1s;`)
    .replace(`https://${name};`, `https://${name}:${ports.upstream};`);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(" ");
  writeFileSync(
    join(folder, "license-sessions.conf"),
    included.replace("/etc/ssl/certs/ca-certificates.crt", join(folder, "certificate.pem")),
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `pid ${join(folder, "nginx.pid")}; events {}
    http { access_log off; ${temporary} server { listen 127.0.0.1:${ports.port}; ${here} } }`,
  );
}

/** A name server that gives every name this address, and none of IPv6. */
async function startResolver(address: () => string): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  socket.on("message", (query, { port }) => {
    const nameEnds = query.indexOf(0, 12);
    const isOfIpV4 = query.readUInt16BE(nameEnds + 1) === 1;
    const header = Buffer.from([0x81, 0x80, 0, 1, 0, isOfIpV4 ? 1 : 0, 0, 0, 0, 0]);
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address().split(".").map(Number)];
    const question = query.subarray(12, nameEnds + 5);
    const answer = Buffer.from(isOfIpV4 ? record : []);
    socket.send(Buffer.concat([query.subarray(0, 2), header, question, answer]), port);
  });
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return socket.address().port;
}

function makeCertificate(folder: string): void {
  const words = ["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"];
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")];
  execFileSync("openssl", [...words, ...names, ...files], { stdio: "pipe" });
}

/** In the place of API Gateway: TLS under the one name. */
async function startUpstream(
  folder: string,
  on: string,
  port: number,
  answer: (on: string, request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<number> {
  const key = readFileSync(join(folder, "key.pem"));
  const cert = readFileSync(join(folder, "certificate.pem"));
  const upstream = createServer({ key, cert }, (request, response) =>
    answer(on, request, response),
  ).listen(port, on);
  await once(upstream, "listening");
  onTestFinished(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  return (upstream.address() as AddressInfo).port;
}
