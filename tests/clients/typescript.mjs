// What both TypeScript clients do: walk through a plan (the first argument, JSON), print one line of JSON.
// The plan and the report are described in tests/src/client.rs; every client here has the same.
import { createRequire } from "node:module";

export const plan = JSON.parse(process.argv[2]);

// The packages are in tests/.deps, which no plain import from here would find.
export const require = createRequire(new URL("../.deps/package.json", import.meta.url));

export function transportOf({ StdioClientTransport, StreamableHTTPClientTransport }) {
  if (!plan.command) {
    return new StreamableHTTPClientTransport(new URL(plan.url), { requestInit: { headers: plan.headers } });
  }
  const [command, ...args] = plan.command;
  return new StdioClientTransport({ command, args, env: { ...process.env, ...plan.env } });
}

// `callTool` takes a step and options; the SDK's own has a schema between them in 1.x.
export async function walk(client, transport, revision, callTool) {
  const report = { progress: [] };
  await client.connect(transport);
  report.revision = revision();
  report.server = client.getServerVersion()?.name ?? null;
  report.tools = (await client.listTools()).tools.map((tool) => tool.name);
  if (plan.call) report.call = await callTool(plan.call, {});
  if (plan.progressing) {
    const onprogress = ({ progress }) => report.progress.push(progress);
    report.progressing = await callTool(plan.progressing, { onprogress });
  }
  if (plan.resource) {
    report.resources = (await client.listResources()).resources.map((resource) => resource.uri);
    report.resource = await client.readResource({ uri: plan.resource });
  }
  if (plan.prompt) {
    report.prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
    report.prompt = await client.getPrompt(plan.prompt);
  }
  if (plan.complete) report.completion = (await client.complete(plan.complete)).completion.values;
  if (report.revision < "2026") {
    await client.ping();
    report.ping = true;
  }
  await client.close();
  console.log(JSON.stringify(report));
}
