import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, LLM, shared, z } from "../lmstudio.mjs";

const QUESTION = "Describe the book The Hobbit as JSON.";

test("structured: zod", "An answer with a zod schema is parsed and valid.", async () => {
  const book = z.object({
    title: z.string(),
    author: z.string(),
    year: z.number().int(),
    kinds: z.array(z.enum(["novel", "poem"])),
  });
  const options = { temperature: 0, structured: book };
  const result = await (await shared(LLM)).respond(QUESTION, options);
  assert.deepEqual(book.parse(JSON.parse(result.content)), result.parsed);
  assert.equal(result.stats.stopReason, "eosFound");
  return result.parsed;
});

test(
  "structured: JSON schema",
  "An answer with a JSON schema is the one that the Python client gets.",
  async () => {
    // The Python SDK sends the members of each object in alphabetical order.
    const jsonSchema = {
      type: "object",
      properties: {
        pages: { type: "integer", minimum: 1, maximum: 999 },
        title: { type: "string" },
      },
      required: ["title", "pages"],
      additionalProperties: false,
    };
    const structured = { type: "json", jsonSchema };
    const { content } = await (await shared(LLM)).respond(QUESTION, { temperature: 0, structured });
    const parsed = JSON.parse(content);
    assert.deepEqual(Object.keys(parsed).sort(), ["pages", "title"]);
    assert.ok(Number.isInteger(parsed.pages) && parsed.pages >= 1 && parsed.pages <= 999);
    return parsed;
  },
);

test("structured: completion", "A completion obeys a schema, too.", async () => {
  const answer = z.object({ ok: z.boolean() });
  const { parsed } = await (
    await shared(LLM)
  ).complete("As JSON: ", {
    temperature: 0,
    structured: answer,
  });
  assert.equal(typeof parsed.ok, "boolean");
});

test("structured: GBNF", "A grammar's texts are the only possible answers.", async () => {
  const structured = { type: "gbnf", gbnfGrammar: 'root ::= "yes" | "no"' };
  const { content } = await (
    await shared(LLM)
  ).respond("Is water wet?", { temperature: 0, structured });
  assert.ok(["yes", "no"].includes(content), content);
});

test(
  "structured: token limit",
  "An answer that maxTokens cuts is an error of parsing.",
  async () => {
    const options = {
      temperature: 0,
      maxTokens: 3,
      structured: z.object({ title: z.string() }),
    };
    await assertRejects(
      Promise.resolve((await shared(LLM)).respond(QUESTION, options)),
      /parse|JSON/i,
    );
  },
);

test(
  "structured: no value",
  "A schema that admits no value is refused with the reason.",
  async () => {
    const structured = {
      type: "json",
      jsonSchema: { type: "integer", minimum: 5, maximum: 3 },
    };
    const asked = (await shared(LLM)).respond(QUESTION, { temperature: 0, structured });
    await assertRejects(asked.result(), /schema/i);
  },
);
