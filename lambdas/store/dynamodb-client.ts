import { AsyncLocalStorage } from "node:async_hooks";
import {
  DynamoDBClient,
  type GetItemCommand,
  type GetItemCommandOutput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { fromEnv } from "@aws-sdk/credential-provider-env";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { ClockSkew, checkAgainstDate, provenDifferenceMs } from "../rules/clock-skew.ts";
import { Sha256 } from "./signing-sha256.ts";

/** What the table needs of a client. The SDK's own clients fit, too. */
export type TableClient = {
  send(command: GetItemCommand, options: CallOptions): Promise<GetItemCommandOutput>;
  send(command: UpdateItemCommand, options: CallOptions): Promise<UpdateItemCommandOutput>;
};

type CallOptions = {
  /** Once it has aborted, nothing more is sent, not even a retry by the SDK. */
  abortSignal: AbortSignal;
  /** The time of the request that the call is for, epoch milliseconds. */
  requestMs: number;
};

/** The call that is under way. */
const currentCall = new AsyncLocalStorage<CurrentCall>();

type CurrentCall = CallOptions & {
  /** What the latest answer says. */
  dateMs?: number;
};

/**
 * The DynamoDB client of the functions. An attempt times out after 1 s, which leaves room for the
 * SDK's two further attempts within the time limit of a request (see `http/handle-request.ts`).
 *
 * @param now the function's clock, epoch milliseconds. Once an answer of DynamoDB proves it wrong, that
 * call and the next ones throw `ClockSkew` until an answer shows that it is right again. A call for a request whose time is
 * yet to come by DynamoDB's clock throws it, too.
 */
export function createClient(now: () => number): TableClient & { destroy(): void } {
  let skewMs = 0;
  const client = new DynamoDBClient({
    // Lambda passes credentials in the environment, so no other source is tried.
    credentials: fromEnv(),
    maxAttempts: 3,
    sha256: Sha256,
    // Builds the middleware stack once instead of for each call.
    cacheMiddleware: true,
    requestHandler: new WatchingHandler(
      {
        connectionTimeout: 500,
        requestTimeout: 1_000,
        // Without this the SDK only logs a warning when a request times out.
        throwOnRequestTimeout: true,
      },
      now,
      (differenceMs) => {
        skewMs = differenceMs;
      },
    ),
  });
  signWithOneSigner(client);
  // Statistics for AWS, made and signed anew for each call: 4 % of its CPU.
  client.middlewareStack.remove("getUserAgentMiddleware");
  client.middlewareStack.add(
    (next) => async (args) => {
      if (skewMs !== 0 && !isProbe(args.input)) {
        await client.send(probeFor(args.input as UpdateItemCommandInput)).catch(() => {});
        checkOwnClock();
      }
      return next(args);
    },
    { step: "initialize", name: "refuseWhileClockIsWrong" },
  );
  async function send(
    command: GetItemCommand & UpdateItemCommand,
    options: CallOptions,
  ): Promise<GetItemCommandOutput & UpdateItemCommandOutput> {
    const call: CurrentCall = { ...options };
    try {
      return await currentCall.run(call, () => client.send(command));
    } finally {
      if (call.dateMs !== undefined) {
        checkAgainstDate(call.requestMs, call.dateMs);
        // The API's time was only compared with this clock.
        checkOwnClock();
      }
    }
  }
  function checkOwnClock(): void {
    if (skewMs !== 0) throw new ClockSkew(skewMs, "The function's clock and DynamoDB's");
  }
  return { send, destroy: () => client.destroy() };
}

/**
 * Aborts each attempt of a call by the call's signal, and compares the clocks in each exchange.
 *
 * The SDK's own `send(command, { abortSignal })` passes the signal on in the same way, but it can't
 * be combined with `cacheMiddleware`.
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
    const call = currentCall.getStore();
    const sentMs = this.#now();
    const answer = await super.handle(
      request,
      call ? { ...options, abortSignal: call.abortSignal } : options,
    );
    const dateMs = Date.parse(answer.response.headers.date ?? "");
    if (!Number.isNaN(dateMs)) {
      if (call) call.dateMs = dateMs;
      this.#onDifference(provenDifferenceMs(sentMs, this.#now(), dateMs));
    }
    return answer;
  }
}

/**
 * By default the SDK creates a signer for each call from a copy of its whole configuration. One
 * signer is enough, because it looks up the date and the credentials for each signature.
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

/** Gets the time from DynamoDB by an update of the same item whose condition always fails. */
function probeFor({ TableName, Key }: Partial<UpdateItemCommandInput>): UpdateItemCommand {
  return new UpdateItemCommand({ TableName, Key, ConditionExpression: neverTrue });
}

function isProbe(input: object): boolean {
  return "ConditionExpression" in input && input.ConditionExpression === neverTrue;
}
