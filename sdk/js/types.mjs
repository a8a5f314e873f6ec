// Makes the declarations in `template/*/types` from the contract, with jco: `npx jco` must find it.
//
// They are kept in the repository so that an editor and `tsc` know the contract in a fresh project. jco writes
// `undefined` where a value may be missing; QuickJS hands over `null`, and so both are declared.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SDK = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const WIT = join(SDK, "../../wit");

const KINDS = {
  auth: "auth/authenticator",
  credential: "credential/provider",
  validate: "validate/validator",
  route: "route/router",
  retry: "retry/strategy",
  sanitize: "sanitize/sanitizer",
};

// What a plugin may import.
const IMPORTS = [
  "witgate:counter/counter@0.1.0",
  "wasi:config/store@0.2.0-rc.1",
  "wasi:http/outgoing-handler@0.2.12",
  "wasi:keyvalue/store@0.2.0-draft",
  "wasi:keyvalue/atomics@0.2.0-draft",
  "wasi:logging/logging@0.1.0-draft",
];

/** A folder that jco reads: one world, with all packages beside it. */
function world(folder) {
  const lines = [
    ...IMPORTS.map((name) => `  import ${name};`),
    ...Object.values(KINDS).map((name) => `  export witgate:${name}@0.1.0;`),
  ];
  writeFileSync(join(folder, "world.wit"), `package witgate:plugin;\n\nworld plugin {\n${lines.join("\n")}\n}\n`);
  for (const name of readdirSync(WIT)) {
    if (name.includes("@")) cpSync(join(WIT, name), join(folder, "deps", name), { recursive: true });
  }
  cpSync(join(WIT, "deps"), join(folder, "deps"), { recursive: true });
}

/** The declarations of one interface, with `null` beside `undefined`, and without jco's references between files. */
function declarations(text) {
  return text
    .replace(/^\/\/\/ <reference.*\n/gm, "")
    .replace(/^(\s+\w+)\?: (.+?),?$/gm, "$1?: $2 | null,")
    .replaceAll("| undefined", "| null | undefined")
    .replace(/[ \t]+$/gm, "");
}

const work = mkdtempSync(join(tmpdir(), "types-"));
try {
  world(work);
  execFileSync("npx", ["jco", "guest-types", work, "-n", "plugin", "-o", join(work, "out"), "-q"], {
    stdio: "inherit",
  });
  for (const file of readdirSync(join(work, "out/interfaces"))) {
    const kind = Object.keys(KINDS).find((name) => file === `witgate-${KINDS[name].replace("/", "-")}.d.ts`);
    const folder = join(SDK, "template", kind ?? "common", "types");
    mkdirSync(folder, { recursive: true });
    const name = kind ? `${kind}.d.ts` : file.replace(/^witgate-(\w+)-\1\./, "$1.");
    writeFileSync(join(folder, name), declarations(readFileSync(join(work, "out/interfaces", file), "utf8")));
  }
} finally {
  rmSync(work, { recursive: true });
}
