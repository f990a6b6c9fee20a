import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client, DRAFT_LLM, LLM, sdk, shared, withInstance } from "../lmstudio.mjs";

const QUESTION = "What is the capital of France?";
const OPTIONS = { temperature: 0, maxTokens: 24 };

function assertConsistent(stats) {
  assert.equal(stats.totalTokensCount, stats.promptTokensCount + stats.predictedTokensCount);
  assert.ok(stats.promptTokensCount > 0);
  assert.ok(stats.tokensPerSecond > 0);
  assert.ok(stats.timeToFirstTokenSec >= 0);
}

test(
  "respond: text",
  "The answer at temperature 0 is the one that the Python client gets.",
  async () => {
    const result = await (await shared(LLM)).respond(QUESTION, OPTIONS);
    assert.ok(result.content.length > 0);
    assert.equal(result.nonReasoningContent, result.content);
    assert.equal(result.reasoningContent, "");
    assert.equal(result.modelInfo.modelKey, LLM);
    assertConsistent(result.stats);
    return result.content;
  },
);

test(
  "respond: stream",
  "The answer arrives in several pieces, which make up the whole text.",
  async () => {
    const options = { temperature: 0, maxTokens: 8 };
    const prediction = (await shared(LLM)).respond("Tell a long story.", options);
    const pieces = [];
    for await (const fragment of prediction) {
      assert.equal(fragment.reasoningType, "none");
      assert.equal(fragment.containsDrafted, false);
      pieces.push(fragment);
    }
    const result = await prediction.result();
    assert.ok(pieces.length > 3);
    assert.equal(pieces.map((piece) => piece.content).join(""), result.content);
    const tokens = pieces.reduce((sum, piece) => sum + piece.tokensCount, 0);
    assert.equal(tokens, result.stats.predictedTokensCount);
  },
);

test(
  "respond: callbacks",
  "Progress reaches 1 before the first token; message and fragments have the same text.",
  async () => {
    const seen = [];
    let text = "";
    let message = null;
    const result = await (
      await shared(LLM)
    ).respond(`${QUESTION} Answer in one word.`, {
      ...OPTIONS,
      onPromptProcessingProgress: (progress) => seen.push(progress),
      onFirstToken: () => seen.push("first"),
      onPredictionFragment: (fragment) => (text += fragment.content),
      onMessage: (given) => (message = given),
    });
    const first = seen.indexOf("first");
    assert.equal(first, seen.length - 1);
    assert.equal(seen[0], 0);
    assert.equal(seen[first - 1], 1);
    assert.equal(text, result.content);
    assert.equal(message.getRole(), "assistant");
    assert.equal(message.getText(), result.content);
  },
);

test(
  "respond: chat",
  "A chat with a system prompt and earlier messages is answered as for the Python client.",
  async () => {
    const chat = sdk.Chat.from([
      { role: "system", content: "Answer in one short sentence." },
      { role: "user", content: "My name is Ada." },
      { role: "assistant", content: "Hello Ada." },
      { role: "user", content: "What is my name?" },
    ]);
    return (await (await shared(LLM)).respond(chat, OPTIONS)).content;
  },
);

test(
  "respond: token limit",
  "An answer ends at maxTokens, and its stop reason says so.",
  async () => {
    const { stats } = await (await shared(LLM)).respond(QUESTION, { temperature: 0, maxTokens: 3 });
    assert.equal(stats.stopReason, "maxPredictedTokensReached");
    assert.equal(stats.predictedTokensCount, 3);
  },
);

test(
  "respond: stop string",
  "An answer ends before a stop string, and its stop reason says so.",
  async () => {
    const model = await shared(LLM);
    const whole = (await model.respond(QUESTION, OPTIONS)).content;
    const word = whole.split(" ")[3];
    const { content, stats } = await model.respond(QUESTION, {
      ...OPTIONS,
      stopStrings: [word],
    });
    assert.equal(stats.stopReason, "stopStringFound");
    assert.equal(content, whole.slice(0, whole.indexOf(word)));
  },
);

test("complete: text", "A completion continues its prompt as for the Python client.", async () => {
  const result = await (
    await shared(LLM)
  ).complete("1, 2, 3, 4, 5, 6,", {
    temperature: 0,
    maxTokens: 8,
  });
  assert.match(result.content, /7/);
  assertConsistent(result.stats);
  return result.content;
});

test(
  "complete: settings",
  "All sampling settings are accepted and reported back in the prediction's config.",
  async () => {
    const result = await (
      await shared(LLM)
    ).complete("One, two,", {
      maxTokens: 2,
      temperature: 0.3,
      topKSampling: 7,
      topPSampling: 0.8,
      minPSampling: 0.01,
      repeatPenalty: 1.05,
      contextOverflowPolicy: "rollingWindow",
    });
    const config = new Map(result.predictionConfig.fields.map(({ key, value }) => [key, value]));
    assert.equal(config.get("llm.prediction.temperature"), 0.3);
    assert.equal(config.get("llm.prediction.topKSampling"), 7);
    assert.equal(config.get("llm.prediction.contextOverflowPolicy"), "rollingWindow");
    assert.deepEqual(config.get("llm.prediction.maxPredictedTokens"), {
      checked: true,
      value: 2,
    });
    assert.deepEqual(config.get("llm.prediction.topPSampling"), { checked: true, value: 0.8 });
  },
);

test(
  "respond: cancel",
  "cancel() ends the answer with the stop reason userStopped and the text so far.",
  async () => {
    const prediction = (await shared(LLM)).respond("Tell a long story.", { temperature: 0 });
    let text = "";
    for await (const { content } of prediction) {
      text += content;
      await prediction.cancel();
    }
    const result = await prediction.result();
    assert.equal(result.stats.stopReason, "userStopped");
    assert.ok(result.content.startsWith(text));
    assert.ok(result.stats.predictedTokensCount < 512);
  },
);

test("respond: abort", "A signal ends the answer like cancel().", async () => {
  const aborter = new AbortController();
  const result = await (
    await shared(LLM)
  ).respond("Tell a long story.", {
    temperature: 0,
    signal: aborter.signal,
    onFirstToken: () => aborter.abort(),
  });
  assert.equal(result.stats.stopReason, "userStopped");
});

test(
  "respond: at the same time",
  "Requests at the same time get the answers that they get alone.",
  async () => {
    const model = await shared(LLM);
    const questions = ["Name a colour.", "Name an animal."];
    const ask = async (question) =>
      (await model.respond(question, { temperature: 0, maxTokens: 6 })).content;
    const alone = [];
    for (const question of questions) {
      alone.push(await ask(question));
    }
    const together = await Promise.all([...questions, ...questions].map(ask));
    assert.deepEqual(together, [...alone, ...alone]);
  },
);

test("respond: preset", "A preset sets what the request leaves open.", async () => {
  const { stats } = await (await shared(LLM)).respond(QUESTION, { preset: "Short Answers" });
  assert.equal(stats.stopReason, "maxPredictedTokensReached");
  assert.equal(stats.predictedTokensCount, 3);
});

test(
  "respond: unknown preset",
  "The error for an unknown preset names it and those that exist.",
  async () => {
    const asked = (await shared(LLM)).respond(QUESTION, { preset: "Nobody" });
    await assertRejects(asked.result(), /Nobody[^]*Short Answers/);
  },
);

test(
  "respond: draft model",
  "A draft model changes no text at temperature 0, and its tokens are counted.",
  async () => {
    const model = await shared(LLM);
    const options = { temperature: 0, maxTokens: 16 };
    const plain = await model.respond("Count from 1 to 12.", options);
    const { content, stats } = await model.respond("Count from 1 to 12.", {
      ...options,
      draftModel: DRAFT_LLM,
    });
    assert.equal(content, plain.content);
    assert.equal(stats.usedDraftModelKey, DRAFT_LLM);
    assert.ok(stats.totalDraftTokensCount > 0);
    assert.equal(
      stats.acceptedDraftTokensCount +
        stats.rejectedDraftTokensCount +
        stats.ignoredDraftTokensCount,
      stats.totalDraftTokensCount,
    );
  },
);

test("draft model: preload", "A draft model can be loaded ahead.", async () => {
  await (await shared(LLM)).unstable_preloadDraftModel(DRAFT_LLM);
});

test("draft model: unknown", "The error for an unknown draft model names it.", async () => {
  const asked = (await shared(LLM)).respond(QUESTION, {
    ...OPTIONS,
    draftModel: "no-such-draft",
  });
  await assertRejects(asked.result(), /no-such-draft/);
});

test(
  "respond: full context",
  "An answer that fills the context stops with contextLengthReached.",
  async () => {
    const config = { contextLength: 64 };
    await withInstance(LLM, { identifier: "narrow", config }, async (model) => {
      const { stats } = await model.respond("Tell a long story.", {
        temperature: 0,
        structured: { type: "gbnf", gbnfGrammar: "root ::= [a-z ]+" },
        contextOverflowPolicy: "stopAtLimit",
      });
      assert.equal(stats.stopReason, "contextLengthReached");
      assert.ok(stats.totalTokensCount <= 64);
    });
  },
);

test(
  "respond: model gone",
  "A request to an instance that was unloaded is an error that names it.",
  async () => {
    const model = await client.llm.load(LLM, { identifier: "gone" });
    await model.unload();
    await assertRejects(
      model.respond(QUESTION, OPTIONS).result(),
      /gone|unloaded|not loaded|No model/i,
    );
  },
);

test(
  "respond: bad setting",
  "A setting of the wrong type is refused before it is sent.",
  async () => {
    const model = await shared(LLM);
    assert.throws(() => model.respond(QUESTION, { temperature: "hot" }), /temperature/);
  },
);
