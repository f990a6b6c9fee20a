import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, expectWarnings, sdk, shared, TOOL_LLM, z } from "../lmstudio.mjs";
import { ADD_DEFINITION, SUM, TWO_INTEGERS } from "../tool_definitions.mjs";

// The small model is reliable on these tools and prompts (sdk_tests/tool_prompts.py).
const two = { a: z.number().int(), b: z.number().int() };
const ADD = sdk.tool({
  name: "add",
  description: "Add two numbers.",
  parameters: two,
  implementation: ({ a, b }) => a + b,
});
const MULTIPLY = sdk.tool({
  name: "multiply",
  description: "Multiply two numbers.",
  parameters: two,
  implementation: ({ a, b }) => a * b,
});
const LOOKUP = sdk.tool({
  name: "lookup",
  description: "Look up the phone number of a person.",
  parameters: { name: z.string() },
  implementation: ({ name }) => {
    throw new Error(`no entry for ${name}`);
  },
});
const TOOLS = [ADD, MULTIPLY, LOOKUP];

/** Run act and return its result, the messages, and what the callbacks for calls have seen. */
async function act(prompt, tools, options = {}) {
  const messages = [];
  const calls = [];
  const model = await shared(TOOL_LLM);
  const result = await model.act(prompt, tools, {
    temperature: 0,
    onMessage: (message) => messages.push(message),
    onToolCallRequestStart: (round) => calls.push(["start", round]),
    onToolCallRequestNameReceived: (_round, _call, name) => calls.push(["name", name]),
    onToolCallRequestEnd: (_round, _call, info) =>
      calls.push(["end", info.toolCallRequest.name, info.toolCallRequest.arguments]),
    ...options,
  });
  return { result, messages, calls, text: messages.at(-1).getText() };
}

test(
  "act: one call",
  "The model calls a tool, gets its result and reports it as to the Python client.",
  async () => {
    const { result, messages, calls, text } = await act(SUM, TOOLS);
    assert.equal(result.rounds, 2);
    assert.ok(result.totalExecutionTimeSeconds > 0);
    assert.deepEqual(
      messages.map((message) => message.getRole()),
      ["assistant", "tool", "assistant"],
    );
    const [request] = messages[0].getToolCallRequests();
    assert.equal(request.name, "add");
    assert.deepEqual(request.arguments, { a: 123, b: 3210 });
    const [answer] = messages[1].getToolCallResults();
    assert.equal(answer.content, "3333");
    assert.equal(answer.toolCallId, request.id);
    assert.deepEqual(calls, [
      ["start", 0],
      ["name", "add"],
      ["end", "add", { a: 123, b: 3210 }],
    ]);
    assert.match(text, /3333/);
    return text;
  },
);

test(
  "act: no call",
  "A question for which there is no tool is answered in one round.",
  async () => {
    const { result, messages, calls } = await act("What is the capital of France?", TOOLS);
    assert.equal(result.rounds, 1);
    assert.deepEqual(calls, []);
    assert.equal(messages.length, 1);
  },
);

test("act: two calls", "Two calls of one round are both executed and answered.", async () => {
  const { messages, calls } = await act("Add 3 and 4, and multiply 5 by 6.", TOOLS);
  const names = calls.filter(([kind]) => kind === "name").map(([, name]) => name);
  assert.deepEqual(names, ["add", "multiply"]);
  const results = messages.flatMap((message) => message.getToolCallResults());
  assert.deepEqual(
    results.map((each) => each.content),
    ["7", "30"],
  );
});

test("act: failing tool", "What a tool throws ends act, which rejects with it.", async () => {
  await assertRejects(
    act("What is the phone number of Anna?", TOOLS),
    /^no entry for Anna$/,
  );
});

test("act: guard", "A guard can deny a call, and the tool does not run.", async () => {
  let ran = false;
  const guarded = sdk.tool({
    name: "add",
    description: "Add two numbers.",
    parameters: two,
    implementation: () => (ran = true),
  });
  const { messages } = await act(SUM, [guarded, MULTIPLY, LOOKUP], {
    guardToolCall: (_round, _call, controller) => controller.deny("not today"),
  });
  assert.equal(ran, false);
  const [answer] = messages.flatMap((message) => message.getToolCallResults());
  assert.match(answer.content, /not today/);
});

test(
  "act: raw tool",
  "A tool that is described by a JSON schema is called like the others.",
  async () => {
    const raw = sdk.rawFunctionTool({
      name: "add",
      description: "Add two numbers.",
      parametersJsonSchema: TWO_INTEGERS,
      implementation: ({ a, b }) => String(a + b),
    });
    const { text } = await act(SUM, [raw, MULTIPLY, LOOKUP]);
    assert.match(text, /3333/);
  },
);

test(
  "act: limit of rounds",
  "In the last round that is allowed the model is offered no tool.",
  async () => {
    const { result, calls } = await act(SUM, TOOLS, { maxPredictionRounds: 1, maxTokens: 24 });
    assert.equal(result.rounds, 1);
    assert.deepEqual(calls, []);
  },
);

test(
  "act: abort",
  "An aborted act rejects with the signal's reason, and the model answers again.",
  async (warnings) => {
    const aborter = new AbortController();
    const acting = act(SUM, TOOLS, {
      signal: aborter.signal,
      onRoundEnd: () => aborter.abort(new Error("enough")),
    });
    await assertRejects(acting, /enough/);
    const model = await shared(TOOL_LLM);
    assert.equal((await model.respond("Hi", { maxTokens: 1 })).stats.predictedTokensCount, 1);
    // The SDK's cancel crosses the end of the round.
    await expectWarnings(warnings, /channel \d+ is not open/);
  },
);

test(
  "respond: raw tools",
  "A prediction that is offered tools reports a call: its name, its arguments in pieces, its end.",
  async () => {
    const seen = [];
    const result = await (
      await shared(TOOL_LLM)
    ).respond(SUM, {
      temperature: 0,
      rawTools: { type: "toolArray", tools: [ADD_DEFINITION] },
      onToolCallRequestNameReceived: (_call, name) => seen.push(name),
      onToolCallRequestArgumentFragmentGenerated: (_call, text) => seen.push(text),
      onToolCallRequestEnd: (_call, { toolCallRequest }) => seen.push(toolCallRequest),
    });
    assert.equal(result.stats.stopReason, "eosFound");
    assert.equal(seen[0], "add");
    assert.deepEqual(JSON.parse(seen.slice(1, -1).join("")), { a: 123, b: 3210 });
    assert.deepEqual(seen.at(-1).arguments, { a: 123, b: 3210 });
  },
);
