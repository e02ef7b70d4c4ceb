// A stub of DynamoDB that answers each UpdateItem at once. It runs as a separate process so that
// its work is not measured. Prints its port.
import { createServer } from "node:http";
import { sampleItem } from "../sample.ts";

// A day ahead, because a claim could take over a session that lapsed during the benchmark.
const item = sampleItem(1, Date.now() + 86_400_000);
const applied = JSON.stringify({ Attributes: item });
const refused = JSON.stringify({
  __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
  message: "The conditional request failed",
  Item: item,
});
let lastBody = "{}";

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    const isQuestion = request.method === "GET";
    if (!isQuestion) lastBody = body;
    const isRival = !isQuestion && body.includes('"rival-');
    response.writeHead(isRival ? 400 : 200, { "content-type": "application/x-amz-json-1.0" });
    response.end(isQuestion ? lastBody : isRival ? refused : applied);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
process.on("disconnect", () => process.exit());
