// A tools provider: one tool that works and reports on the way, one that fails, one that never ends.
import { tool } from "@lmstudio/sdk";
import { z } from "zod";

const add = tool({
  name: "add",
  description: "Add two numbers.",
  parameters: { a: z.number(), b: z.number() },
  implementation: ({ a, b }, { status, warn }) => {
    status(`adding ${a} and ${b}`);
    if (a + b > 1000) {
      warn("that is a lot");
    }
    return a + b;
  },
});

const fail = tool({
  name: "fail",
  description: "Fail.",
  parameters: {},
  implementation: () => {
    throw new Error("out of order");
  },
});

const hang = tool({
  name: "hang",
  description: "Wait until the call is aborted.",
  parameters: {},
  implementation: (_, { status, signal }) => {
    status("hanging");
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        console.log("aborted");
        reject(signal.reason);
      }),
    );
  },
});

export async function main(context) {
  context.withToolsProvider(async () => [add, fail, hang]);
}
