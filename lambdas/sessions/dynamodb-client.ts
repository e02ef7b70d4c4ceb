import { AsyncLocalStorage } from "node:async_hooks";
import {
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { fromEnv } from "@aws-sdk/credential-provider-env";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { ClockSkew, provenDifferenceMs } from "./clock-skew.ts";

/** The signal of the call that is under way: nothing is sent once it has aborted. */
export const callSignal = new AsyncLocalStorage<AbortSignal>();

/**
 * The client of the functions. Its timeouts make a silent DynamoDB an error after 1 s and leave
 * room for the SDK's two further attempts within the time a request has (see `answer-request.ts`).
 *
 * @param now the function's clock, epoch milliseconds. Once DynamoDB's answers prove it wrong, calls
 * throw `ClockSkew` until they prove it right.
 */
export function createClient(now: () => number): DynamoDBClient {
  let skewMs = 0;
  const client = new DynamoDBClient({
    // Where Lambda puts them; nowhere else is looked.
    credentials: fromEnv(),
    maxAttempts: 3,
    // Puts the steps of a call together once, not for each call.
    cacheMiddleware: true,
    requestHandler: new WatchingHandler(
      {
        connectionTimeout: 500,
        requestTimeout: 1_000,
        // Without it the SDK only warns.
        throwOnRequestTimeout: true,
      },
      now,
      (differenceMs) => {
        skewMs = differenceMs;
      },
    ),
  });
  signWithOneSigner(client);
  client.middlewareStack.add(
    (next) => async (args) => {
      if (skewMs !== 0 && !isProbe(args.input)) {
        await client.send(probeFor(args.input as UpdateItemCommandInput)).catch(() => {});
        if (skewMs !== 0) throw new ClockSkew(skewMs, "DynamoDB's");
      }
      return next(args);
    },
    { step: "initialize", name: "refuseWhileClockIsWrong" },
  );
  return client;
}

/**
 * Ends each attempt of a call at the signal of the call, and compares the clocks of each exchange.
 *
 * The SDK's own way, `send(command, { abortSignal })`, hands the signal down just so, but rules out
 * `cacheMiddleware`.
 */
class WatchingHandler extends NodeHttpHandler {
  readonly #now: () => number;
  readonly #onDifference: (differenceMs: number) => void;

  constructor(
    options: ConstructorParameters<typeof NodeHttpHandler>[0],
    now: () => number,
    onDifference: (differenceMs: number) => void,
  ) {
    super(options);
    this.#now = now;
    this.#onDifference = onDifference;
  }

  override async handle(...[request, options]: Parameters<NodeHttpHandler["handle"]>) {
    const abortSignal = callSignal.getStore();
    const sentMs = this.#now();
    const answer = await super.handle(request, abortSignal ? { ...options, abortSignal } : options);
    const dateMs = Date.parse(answer.response.headers.date ?? "");
    if (!Number.isNaN(dateMs)) {
      this.#onDifference(provenDifferenceMs(sentMs, this.#now(), dateMs));
    }
    return answer;
  }
}

/**
 * The SDK makes a signer for each call, of a copy of its whole configuration. What may change, the
 * date and the credentials, a signer asks for at each signature.
 */
function signWithOneSigner({ config }: DynamoDBClient): void {
  const makeSigner = config.signer;
  let signer: Awaited<ReturnType<typeof makeSigner>> | undefined;
  config.signer = async (authScheme) => {
    signer ??= await makeSigner(authScheme);
    return signer;
  };
}

const neverTrue = "attribute_exists(license_id) AND attribute_not_exists(license_id)";

/** Asks DynamoDB for the time: an update of the same item that is always refused. */
function probeFor({ TableName, Key }: Partial<UpdateItemCommandInput>): UpdateItemCommand {
  return new UpdateItemCommand({ TableName, Key, ConditionExpression: neverTrue });
}

function isProbe(input: object): boolean {
  return "ConditionExpression" in input && input.ConditionExpression === neverTrue;
}
