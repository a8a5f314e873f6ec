// What makes the contract pleasant in TypeScript. `types/` has the contract itself; all of this is yours to change.

import { log } from "wasi:logging/logging@0.1.0-draft";
import type { Document, Finding, Refusal, RefusalCode } from "witgate:types/types@0.1.0";

// QuickJS takes and gives the contract's unsigned integers as if they were signed: `call.chance` may come as -1.
const SIGNED = "__cqjs" in globalThis;

/** What a plugin exports: its hooks, with integers as the contract has them. */
export function hooks<Contract extends Record<keyof Contract, (...given: any[]) => unknown>>(own: Contract): Contract {
  const exported: Record<string, unknown> = {};
  for (const [name, hook] of Object.entries<(...given: any[]) => unknown>(own)) {
    exported[name] = (...given: any[]) => {
      try {
        const answer = hook.apply(
          own,
          given.map((value) => numbers(value, (number) => number >>> 0)),
        );
        return SIGNED ? numbers(answer, (number) => number | 0) : answer;
      } catch (error) {
        // What the contract has an error for is an answer; of all else nobody would hear.
        const meant = name === "configure" || !(error instanceof Error) || "payload" in error;
        if (!meant) log("error", "", `${error} (${stack(error)})`);
        throw error;
      } finally {
        // Documents end with the call; an engine that waits for its collector would keep them.
        for (const value of given) value?.[Symbol.dispose]?.();
      }
    };
  }
  return exported as Contract;
}

/** Where an error was thrown, innermost first, in one line. */
function stack(error: Error): string {
  const lines = String(error.stack ?? "").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line.startsWith("at ")).slice(0, 6).join(" < ");
}

/** A copy with all numbers changed but `code`, the contract's only signed integer. */
function numbers(value: unknown, change: (number: number) => number): unknown {
  if (typeof value === "number") return change(value);
  if (Array.isArray(value)) return value.map((item) => numbers(item, change));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, name === "code" ? item : numbers(item, change)]);
  return Object.fromEntries(entries);
}

/** A refusal with nothing but a message for the client; `more` has what is said besides. */
export function refusal(code: RefusalCode, message: string, more: Partial<Refusal> = {}): Refusal {
  return { code, message, findings: [], ...more };
}

/** What is wrong at a place of a document, and what would be right. */
export function finding(pointer: string, message: string): Finding {
  return { pointer, message };
}

/** The RFC 6901 pointer to a member of a member of …: `pointer("arguments", "a/b")` is `/arguments/a~1b`. */
export function pointer(...path: (string | number)[]): string {
  return path.map((token) => "/" + String(token).replaceAll("~", "~0").replaceAll("/", "~1")).join("");
}

/** The value at a pointer, parsed; `undefined` when nothing is there. A number beyond 2^53 loses digits. */
export function read(document: Document, pointer: string): unknown {
  const text = document.get(pointer);
  return text == null ? undefined : JSON.parse(text);
}

const BEYOND_ASCII = /[^\x00-\x7f]/;

/** The bytes of a text in UTF-8; QuickJS brings no `TextEncoder`. */
export function utf8(text: string): Uint8Array {
  if (!BEYOND_ASCII.test(text)) {
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    return bytes;
  }
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    const tail = (shift: number) => 0x80 | ((point >> shift) & 0x3f);
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(0));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), tail(6), tail(0));
    else bytes.push(0xf0 | (point >> 18), tail(12), tail(6), tail(0));
  }
  return Uint8Array.from(bytes);
}

/** The text that bytes are in UTF-8; throws an `URIError` where they are none. */
export function text(bytes: Uint8Array): string {
  let plain = "";
  // QuickJS is slow at iterating, and quick at this: 100 KB in a millisecond or two.
  for (let at = 0; at < bytes.length; at += 1_024) {
    plain += String.fromCharCode.apply(null, bytes.subarray(at, at + 1_024) as unknown as number[]);
  }
  if (!BEYOND_ASCII.test(plain)) return plain;
  return decodeURIComponent(plain.replace(/[^\x00-\x7f]|%/g, (code) => "%" + code.charCodeAt(0).toString(16)));
}

/** Whether bytes are the same, in a time that tells nothing of where they differ. */
export function same(left: Uint8Array, right: Uint8Array): boolean {
  let difference = left.length ^ right.length;
  for (let at = 0; at < left.length; at += 1) difference |= left[at]! ^ (right[at] ?? 0);
  return difference === 0;
}

/** JSON text as an integer of 0 to 4294967295, which is what the contract's integers are; `undefined` for all else. */
export function integer(text: string): number | undefined {
  return /^[0-9]{1,10}$/.test(text) && Number(text) <= 0xffff_ffff ? Number(text) : undefined;
}

/** What a setting is when it is absent or `null`. Without it, the setting has to be there. */
type Otherwise<T> = [] | [otherwise: T];

/**
 * Settings that are checked while they are read. What is wrong is thrown; let `configure` throw it on, and the plugin
 * is not loaded.
 *
 * `settings.string("header", "x-api-key")` may be absent, `settings.string("secret")` may not.
 */
export class Settings {
  constructor(
    private readonly document: Document,
    private readonly at = "",
    private readonly path = "",
    // Read once: every reading is a call of the host. Empty when there is nothing.
    private readonly text = document.get(at) ?? "",
  ) {}

  string<T = never>(name: string, ...otherwise: Otherwise<T>): string | T {
    return this.read(name, otherwise, (place) => place.asString());
  }

  /** An integer of 0 to 4294967295. */
  integer<T = never>(name: string, ...otherwise: Otherwise<T>): number | T {
    return this.read(name, otherwise, (place) => integer(place.text) ?? place.fail("is not an integer"));
  }

  boolean<T = never>(name: string, ...otherwise: Otherwise<T>): boolean | T {
    return this.read(name, otherwise, (place) =>
      ["true", "false"].includes(place.text) ? place.text === "true" : place.fail("is not a boolean"),
    );
  }

  /** Anything, as JSON text. */
  json<T = never>(name: string, ...otherwise: Otherwise<T>): string | T {
    return this.read(name, otherwise, (place) => place.text);
  }

  object<T = never>(name: string, ...otherwise: Otherwise<T>): Settings | T {
    return this.read(name, otherwise, (place) => place.asObject());
  }

  /** An array of strings. One that has to be there has to hold something, too. */
  strings<T = never>(name: string, ...otherwise: Otherwise<T>): string[] | T {
    return this.read(name, otherwise, (place) => place.asArray(otherwise, (item) => item.asString()));
  }

  /** An array of objects, `as` makes something of each. One that has to be there has to hold something, too. */
  objects<V, T = never>(name: string, as: (item: Settings) => V, ...otherwise: Otherwise<T>): V[] | T {
    return this.read(name, otherwise, (place) => place.asArray(otherwise, (item) => as(item.asObject())));
  }

  /** The names of all settings that are here. */
  names(): string[] {
    return Object.keys(JSON.parse(this.text));
  }

  /** Throws an error about a setting, for a check of your own: `settings.wrong("type", "is not a type")`. */
  wrong(name: string, what: string): never {
    return this.member(name).fail(what);
  }

  private member(name: string): Settings {
    return new Settings(this.document, this.at + pointer(name), this.path === "" ? name : `${this.path}.${name}`);
  }

  private read<V, T>(name: string, otherwise: Otherwise<T>, as: (place: Settings) => V): V | T {
    const place = this.member(name);
    if (place.text !== "" && place.text !== "null") return as(place);
    return otherwise.length === 1 ? otherwise[0] : place.fail("is missing");
  }

  private fail(what: string): never {
    const message = `setting \`${this.path}\`: ${what}`;
    // SpiderMonkey's components want the contract's error beside JavaScript's.
    throw Object.assign(new Error(message), { payload: message });
  }

  private asString(): string {
    return this.text.startsWith('"') ? JSON.parse(this.text) : this.fail("is not a string");
  }

  private asObject(): Settings {
    return this.text.startsWith("{") ? this : this.fail("is not an object");
  }

  private asArray<V>(otherwise: Otherwise<unknown>, as: (item: Settings) => V): V[] {
    if (!this.text.startsWith("[")) this.fail("is not an array");
    const items: V[] = [];
    for (;;) {
      const index = items.length;
      const item = new Settings(this.document, this.at + pointer(index), `${this.path}[${index}]`);
      if (item.text === "") break;
      items.push(as(item));
    }
    if (items.length === 0 && otherwise.length === 0) this.fail("is empty");
    return items;
  }
}
