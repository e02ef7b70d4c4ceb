import * as z from "zod";
import { gatewayAnswer } from "./answers.ts";
import { type DocumentedRoute, routes } from "./routes.ts";

/** A request, and the answer that the service gave to it. */
export type Example = {
  path: string;
  /** The code of the answer. */
  code: string;
  /** Distinguishes the examples of a route. */
  name: string;
  request: unknown;
  status: number;
  answer: unknown;
};

/** The OpenAPI 3.1 document of the service. */
export function openApiDocument(examples: readonly Example[]) {
  return {
    openapi: "3.1.1",
    info: {
      title: "License Sessions",
      version: "1",
      description:
        "A license key serves one device at a time, per trading symbol. A bot claims a session, " +
        "keeps it with heartbeats and releases it. Every answer of the service carries `code`, " +
        "which never changes its meaning; ignore fields you don't know. A request with a `nonce` gets " +
        "a signed answer, if the service has a key.",
    },
    servers: [
      {
        url: "{api}",
        description: "The ApiUrl of the stack, or a local `npm start`",
        variables: { api: { default: "http://127.0.0.1:3000" } },
      },
    ],
    // The license key in the body is the credential.
    security: [],
    paths: Object.fromEntries(
      routes.map((route) => [route.path, { post: operation(route, examples) }]),
    ),
    components: { schemas: componentSchemas(), headers: signatureHeaders },
  };
}

function operation(route: DocumentedRoute, allExamples: readonly Example[]) {
  const examples = allExamples.filter(({ path }) => path === route.path);
  const statuses = [...new Set(route.answers.map(({ status }) => status))];
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: route.description,
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: referenceTo(route.requestName),
          // Without those that can't be read.
          examples: named(
            examples.filter(({ status }) => status !== 400),
            "request",
          ),
        },
      },
    },
    responses: {
      ...Object.fromEntries(
        statuses.map((status) => [status, documentedStatus(route, status, examples)]),
      ),
      429: gatewayResponse("Above the throttle. Nothing was done; try again."),
      default: gatewayResponse(
        "Any answer without `code`, whatever its status, comes from API Gateway: nothing is confirmed.",
      ),
    },
  };
}

/** Headers of every answer to a request with a `nonce`. */
const signatureHeaders = {
  "content-digest": signatureHeader(
    "The SHA-256 of the body (RFC 9530). Only on the answer to a request with a `nonce`.",
    "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
  ),
  "signature-input": signatureHeader(
    "What the signature covers (RFC 9421): status and body of the answer, method, path and body of " +
      "the request. `nonce` is that of the request, `keyid` the JWK thumbprint (RFC 7638) of the " +
      "public key. While keys are changed there are two: `sig1` and `sig2`.",
    'sig1=("@status" "content-digest" "@method";req "@path";req "content-digest";req)' +
      ';created=1767614400;keyid="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"' +
      ';nonce="q3Jv0b1nUeWk8mXo2sYh7A";alg="ed25519"',
  ),
  signature: signatureHeader(
    "The Ed25519 signature (RFC 9421). To a client that has pinned a public key, an answer without a " +
      "valid one grants nothing and ends nothing.",
    `sig1=:${"A".repeat(86)}==:`,
  ),
};

function signatureHeader(description: string, example: string) {
  return { description, schema: { type: "string" }, example };
}

function documentedStatus(route: DocumentedRoute, status: number, examples: readonly Example[]) {
  const answers = route.answers.filter((answer) => answer.status === status);
  const references = answers.map(({ name }) => referenceTo(name));
  const answered = examples.filter((example) => example.status === status);
  return {
    description: [...new Set(answered.map(({ code }) => `\`${code}\``))].join(", "),
    headers: Object.fromEntries(
      Object.keys(signatureHeaders).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
    ),
    content: {
      "application/json": {
        schema: references.length === 1 ? references[0] : { anyOf: references },
        examples: named(answered, "answer"),
      },
    },
  };
}

function named(examples: readonly Example[], what: "request" | "answer") {
  return Object.fromEntries(examples.map((example) => [example.name, { value: example[what] }]));
}

function gatewayResponse(description: string) {
  return {
    description,
    content: { "application/json": { schema: referenceTo("GatewayAnswer") } },
  };
}

function referenceTo(name: string) {
  return { $ref: referencePath(name) };
}

function referencePath(name: string): string {
  return `#/components/schemas/${name}`;
}

function componentSchemas() {
  const registry = z.registry<{ id: string }>();
  for (const route of routes) {
    registry.add(route.request, { id: route.requestName });
    for (const { name, schema } of route.answers) registry.add(schema, { id: name });
  }
  registry.add(gatewayAnswer, { id: "GatewayAnswer" });
  // Input schemas describe what a caller may send, and let answers gain fields.
  const { schemas } = z.toJSONSchema(registry, { io: "input", uri: referencePath });
  const requests = routes.map(({ requestName }) => requestName);
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema, $id, ...schema }]) => [
      name,
      requests.includes(name) ? withNulls(schema) : schema,
    ]),
  );
}

/** A request may send `null` for any field that it may leave out. */
function withNulls(schema: z.core.JSONSchema.BaseSchema): z.core.JSONSchema.BaseSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const isOptional = !schema.required?.includes(name) && typeof property === "object";
    return [name, isOptional ? { ...property, type: [property.type, "null"] } : property];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}
