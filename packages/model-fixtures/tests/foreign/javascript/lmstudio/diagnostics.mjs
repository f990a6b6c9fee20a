import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { client, LLM, shared } from "../lmstudio.mjs";

test(
  "diagnostics: logs",
  "The stream of logs has the prompt of a prediction, until it is closed.",
  async () => {
    const model = await shared(LLM);
    const seen = [];
    let arrived;
    const first = new Promise((resolve) => (arrived = resolve));
    const stop = client.diagnostics.unstable_streamLogs((event) => {
      seen.push(event);
      if (event.data.type === "llm.prediction.input") {
        arrived();
      }
    });
    const marks = ["the first mark", "the second mark"];
    const isInput = (event) => event.data.type === "llm.prediction.input";
    // The channel may open after a prediction that is sent at once: ask until its input comes.
    while (!seen.some(isInput)) {
      await model.respond(marks[0], { maxTokens: 1 });
      await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
    stop();
    const input = seen.find(isInput);
    assert.match(input.data.input, /the first mark/);
    assert.equal(input.data.modelIdentifier, model.identifier);
    assert.ok(Math.abs(input.timestamp - Date.now()) < 600_000);
    await model.respond(marks[1], { maxTokens: 1 });
    assert.ok(!JSON.stringify(seen).includes(marks[1]));
  },
);
