import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { LLM, sdk, shared } from "../lmstudio.mjs";

const TEXT = "The quick brown fox jumps over the lazy dog.";

test(
  "tokens: one text",
  "A text has the tokens that the Python client gets, and as many as are counted.",
  async () => {
    const model = await shared(LLM);
    const tokens = await model.tokenize(TEXT);
    assert.ok(tokens.every(Number.isInteger));
    assert.equal(await model.countTokens(TEXT), tokens.length);
    return tokens;
  },
);

test(
  "tokens: several texts",
  "Texts are tokenized in their order, the empty one too.",
  async () => {
    const model = await shared(LLM);
    const both = await model.tokenize([TEXT, "Hello", ""]);
    assert.equal(both.length, 3);
    assert.deepEqual(both[0], await model.tokenize(TEXT));
    assert.deepEqual(both[1], await model.tokenize("Hello"));
  },
);

test(
  "tokens: other scripts",
  "Texts beyond ASCII keep all their characters on the way.",
  async () => {
    return (await shared(LLM)).tokenize("Grüße, мир, 世界, 👩‍👩‍👧");
  },
);

test("template: chat", "A chat becomes the prompt that the Python client gets.", async () => {
  const model = await shared(LLM);
  const chat = sdk.Chat.from([
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello!" },
    { role: "user", content: "Bye" },
  ]);
  const prompt = await model.applyPromptTemplate(chat);
  const places = ["Be brief.", "Hi", "Hello!", "Bye"].map((part) => prompt.indexOf(part));
  assert.ok(places[0] >= 0);
  assert.deepEqual(
    places,
    [...places].sort((left, right) => left - right),
  );
  return prompt;
});

test("template: tools", "Tool definitions are part of the prompt.", async () => {
  const model = await shared(LLM);
  const definition = {
    type: "function",
    function: {
      name: "weather_report",
      description: "Tell the weather.",
      parameters: { type: "object", properties: { town: { type: "string" } } },
    },
  };
  const prompt = await model.applyPromptTemplate("Hi", { toolDefinitions: [definition] });
  assert.match(prompt, /weather_report/);
  assert.match(prompt, /town/);
});

test("chat: append and replace", "A chat is built up message by message.", async () => {
  const chat = sdk.Chat.empty();
  chat.append("user", "Hi");
  chat.append(sdk.ChatMessage.create("assistant", "Hello!"));
  chat.replaceSystemPrompt("Be brief.");
  assert.equal(chat.length, 3);
  assert.equal(chat.getSystemPrompt(), "Be brief.");
  assert.equal(chat.at(-1).getText(), "Hello!");
  const prompt = await (await shared(LLM)).applyPromptTemplate(chat);
  assert.match(prompt, /Be brief\.[^]*Hi[^]*Hello!/);
});
