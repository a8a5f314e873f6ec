// Decides which upstream answers: by chance, as the settings weigh them. Names in `types/route.d.ts` are the contract.
//
//     weights = { big = 3, small = 1 }     an upstream that is not named weighs 1

import type * as contract from "witgate:route/router@0.1.0";
import type { Candidate } from "witgate:route/router@0.1.0";

import { Settings, hooks, integer, refusal } from "./witgate.js";

let weights: Map<string, number>;

export const router = hooks<typeof contract>({
  configure(document) {
    const given = new Settings(document).object("weights", undefined);
    const names = given?.names() ?? [];
    weights = new Map(names.map((id) => [id, integer(given!.json(id, "null")) ?? 1]));
  },

  route(call, _identity, candidates) {
    const eligible = candidates.filter(({ healthy, circuit }) => healthy && circuit !== "open");
    if (eligible.length === 0) {
      return { tag: "refuse", val: refusal("unavailable", "no upstream is healthy", { retryAfterMs: 1000 }) };
    }
    const total = eligible.reduce((sum, candidate) => sum + weight(candidate), 0);
    if (total === 0) return { tag: "abstain" };

    let rest = call.chance % total;
    const picked = eligible.find((candidate) => {
      rest -= weight(candidate);
      return rest < 0;
    });
    const others = eligible.filter((candidate) => candidate !== picked);
    return { tag: "order", val: [picked!, ...others].map(({ id }) => id) };
  },
});

function weight({ id }: Candidate): number {
  return weights.get(id) ?? 1;
}
