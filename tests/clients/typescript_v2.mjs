// The TypeScript SDK 2.x: legacy unless it is asked for `auto` or a modern revision.
import { capabilities, plan, require, transportOf, walk } from "./typescript.mjs";

const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");

const transport = transportOf({ StdioClientTransport, StreamableHTTPClientTransport });
const mode = [undefined, "legacy", "auto"].includes(plan.mode) ? plan.mode : { pin: plan.mode };
const client = new Client({ name: "typescript-v2", version: "1" }, { versionNegotiation: { mode }, capabilities });
const revision = () => client.getNegotiatedProtocolVersion();
const handle = (method, handler) => client.setRequestHandler(method, handler);
await walk(client, transport, revision, (step, options) => client.callTool(step, options), handle);
