// The TypeScript SDK 1.x, which most clients are built on: legacy only.
import { capabilities, require, transportOf, walk } from "./typescript.mjs";

const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
const types = require("@modelcontextprotocol/sdk/types.js");

const transport = transportOf({ StdioClientTransport, StreamableHTTPClientTransport });
// The client keeps the revision to itself, but tells the transport.
let revision;
const tell = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  revision = version;
  tell?.(version);
};
const client = new Client({ name: "typescript-v1", version: "1" }, { capabilities });
const schemas = {
  "elicitation/create": types.ElicitRequestSchema,
  "sampling/createMessage": types.CreateMessageRequestSchema,
  "roots/list": types.ListRootsRequestSchema,
};
const handle = (method, handler) => client.setRequestHandler(schemas[method], handler);
const callTool = (step, options) => client.callTool(step, undefined, options);
await walk(client, transport, () => revision, callTool, handle);
