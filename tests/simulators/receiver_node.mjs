// A receiver in Node that checks hooks with the npm library `standardwebhooks`, and signs what it would call back.
// Usage: node receiver_node.mjs FOLDER-OF-THE-LIBRARY SECRET. Prints its port, then a line of JSON for every hook.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [folder, secret] = process.argv.slice(2);
const { Webhook } = createRequire(`${folder}/`)("standardwebhooks");
const webhook = new Webhook(secret);

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const raw = Buffer.concat(parts).toString("utf8");
  try {
    const plan = webhook.verify(raw, request.headers).release_plan;
    const answer = { release_plan_id: plan.id, instance_code: plan.instance_code, hook_event: plan.event_name };
    const body = JSON.stringify({ ...answer, result: "success" });
    const [id, now] = [`answer-${plan.event_name}`, new Date()];
    const timestamp = String(Math.floor(now / 1000));
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": webhook.sign(id, now, body) };
    console.log(JSON.stringify({ id: request.headers["webhook-id"], event: plan.event_name, body, headers }));
    response.writeHead(204).end();
  } catch (error) {
    console.log(JSON.stringify({ id: request.headers["webhook-id"], error: String(error) }));
    response.writeHead(401).end();
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
