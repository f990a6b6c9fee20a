import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { LLM, shared, TOOL_LLM } from "../lmstudio.mjs";
import { ADD_DEFINITION, SUM } from "../tool_definitions.mjs";

const QUESTION = "What is the capital of France?";

test(
  "2.0 respond: progress in detail",
  "The details of progress count the tokens of the prompt.",
  async () => {
    const details = [];
    const { stats } = await (
      await shared(LLM)
    ).respond(QUESTION, {
      maxTokens: 2,
      onPromptProcessingProgress: (_progress, given) => details.push(given),
    });
    const last = details.at(-1);
    assert.equal(last.totalPromptTokenCount, stats.promptTokensCount);
    assert.equal(last.cachedTokenCount + last.processedPromptTokenCount, stats.promptTokensCount);
  },
);

test(
  "2.0 respond: log probabilities",
  "With logProbs each piece has its tokens, their probabilities and as many candidates as asked for.",
  async () => {
    const fragments = [];
    const result = await (
      await shared(LLM)
    ).respond(QUESTION, {
      temperature: 0,
      maxTokens: 4,
      logProbs: 3,
      onPredictionFragment: (fragment) => fragments.push(fragment),
    });
    const tokens = fragments.flatMap((fragment) => fragment.tokens ?? []);
    assert.equal(tokens.length, 4);
    assert.equal(tokens.map((token) => token.text).join(""), result.content);
    for (const token of tokens) {
      assert.ok(Number.isInteger(token.id));
      assert.ok(token.logProb <= 0);
      assert.equal(token.candidates.length, 3);
      // At temperature 0 the token that was taken is the likeliest one.
      assert.equal(token.candidates[0].id, token.id);
    }
  },
);

test(
  "2.0 respond: without log probabilities",
  "Without logProbs no piece has tokens.",
  async () => {
    const fragments = [];
    await (
      await shared(LLM)
    ).respond(QUESTION, {
      maxTokens: 2,
      onPredictionFragment: (fragment) => fragments.push(fragment),
    });
    assert.ok(fragments.length > 0);
    assert.ok(fragments.every((fragment) => fragment.tokens === undefined));
  },
);

test(
  "2.0 respond: stop string",
  "The statistics name the stop string that was found.",
  async () => {
    const options = { temperature: 0, maxTokens: 24, stopStrings: ["Berlin", "Paris"] };
    const { content, stats } = await (await shared(LLM)).respond(QUESTION, options);
    assert.equal(stats.stopReason, "stopStringFound");
    assert.equal(stats.stopString, "Paris");
    assert.ok(!content.includes("Paris"));
  },
);

test(
  "2.0 respond: total time",
  "The total time of an answer is at least the time to its first token.",
  async () => {
    const { stats } = await (await shared(LLM)).respond(QUESTION, { maxTokens: 4 });
    assert.ok(stats.totalTimeSec >= stats.timeToFirstTokenSec);
  },
);

test("2.0 respond: tool choice", "A model that must not call tools calls none.", async () => {
  const model = await shared(TOOL_LLM);
  const names = [];
  const result = await model.respond(SUM, {
    temperature: 0,
    maxTokens: 32,
    rawTools: { type: "toolArray", tools: [ADD_DEFINITION] },
    toolChoice: { type: "generic", mode: "none" },
    onToolCallRequestNameReceived: (_call, name) => names.push(name),
  });
  assert.deepEqual(names, []);
  assert.ok(result.content.length > 0);
});

test("2.0 respond: newer settings", "Settings that 2.0 adds are accepted.", async () => {
  const { stats } = await (
    await shared(LLM)
  ).respond(QUESTION, {
    temperature: 0,
    maxTokens: 2,
    presencePenalty: 0.5,
    reasoningBudget: false,
    enableThinking: false,
  });
  assert.equal(stats.predictedTokensCount, 2);
});
