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

// What a client says that it can be asked.
export const capabilities = plan.asking ? { elicitation: { form: {} }, sampling: {}, roots: {} } : {};

// `handle` sets the handler of a method, which the SDK's own takes in another form in 1.x.
function answer(handle, asked) {
  if (!plan.asking) return;
  const note = (method, result) =>
    handle(method, () => {
      asked.push(method);
      return result;
    });
  const content = { type: "text", text: "forty-two" };
  note("elicitation/create", { action: "accept", content: plan.answer });
  note("sampling/createMessage", { role: "assistant", model: "none", content });
  note("roots/list", { roots: [{ uri: "file:///garden", name: "garden" }] });
}

// Begins a call and gives it up at its first progress.
async function cancelled(callTool) {
  const controller = new AbortController();
  const onprogress = () => controller.abort("enough");
  try {
    await callTool(plan.cancelling, { onprogress, signal: controller.signal });
    return false;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    return true;
  }
}

// `callTool` takes a step and options; the SDK's own has a schema between them in 1.x.
export async function walk(client, transport, revision, callTool, handle) {
  const report = { progress: [], asked: [] };
  answer(handle, report.asked);
  await client.connect(transport);
  report.revision = revision();
  report.server = client.getServerVersion()?.name ?? null;
  report.tools = (await client.listTools()).tools.map((tool) => tool.name);
  if (plan.call) report.call = await callTool(plan.call, {});
  if (plan.progressing) {
    // The 2.x client counts its own rounds of input as progress too.
    const onprogress = ({ progress, message }) =>
      message?.startsWith("Fulfilling input") || report.progress.push(progress);
    report.progressing = await callTool(plan.progressing, { onprogress });
  }
  if (plan.cancelling) report.cancelled = await cancelled(callTool);
  for (const step of plan.asking ?? []) (report.asking ??= []).push(await callTool(step, {}));
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
