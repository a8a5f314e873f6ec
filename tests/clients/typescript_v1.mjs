// The TypeScript SDK 1.x, which most clients are built on: legacy only.
import { plan, require, transportOf, walk } from "./typescript.mjs";

const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const transport = transportOf({ StdioClientTransport, StreamableHTTPClientTransport });
// The client keeps the revision to itself, but tells the transport.
let revision;
const tell = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  revision = version;
  tell?.(version);
};
const client = new Client({ name: "typescript-v1", version: "1" });
await walk(client, transport, () => revision, (step, options) => client.callTool(step, undefined, options));
