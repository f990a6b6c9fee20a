import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { test } from "../case_list.mjs";
import { assertRejects, client, LLM, shared, VISION_LLM } from "../lmstudio.mjs";
import { settings } from "../settings.mjs";

const RED = join(settings.folder, "red.png");
const BLUE = join(settings.folder, "blue.png");
const QUESTION = "What colour is the figure?";

test(
  "image: described",
  "A model that sees names the colour of a prepared image, as to the Python client.",
  async () => {
    const image = await client.files.prepareImage(RED);
    assert.equal(image.isImage(), true);
    assert.equal(image.type, "image");
    assert.equal(image.name, "red.png");
    assert.equal(image.sizeBytes, readFileSync(RED).length);
    const model = await shared(VISION_LLM);
    const message = { role: "user", content: QUESTION, images: [image] };
    const { content } = await model.respond([message], { temperature: 0, maxTokens: 24 });
    assert.match(content, /\bred\b/);
    return content;
  },
);

test(
  "image: as base64",
  "An image that is sent as base64 text is the same to the model.",
  async () => {
    const image = await client.files.prepareImageBase64("blue.png", readFileSync(BLUE, "base64"));
    const model = await shared(VISION_LLM);
    const message = { role: "user", content: QUESTION, images: [image] };
    const { content } = await model.respond([message], { temperature: 0, maxTokens: 24 });
    assert.match(content, /\bblue\b/);
  },
);

test(
  "image: to a model that does not see",
  "An image for a model without vision is an error.",
  async () => {
    const image = await client.files.prepareImage(RED);
    const message = { role: "user", content: QUESTION, images: [image] };
    const asked = (await shared(LLM)).respond([message], { maxTokens: 4 });
    await assertRejects(asked.result(), /vision|image/i);
  },
);

test(
  "image: damaged",
  "An image that breaks off is an error when the model is to see it.",
  async () => {
    const part = readFileSync(RED).subarray(0, 100).toString("base64");
    const image = await client.files.prepareImageBase64("bad.png", part);
    const message = { role: "user", content: QUESTION, images: [image] };
    const asked = (await shared(VISION_LLM)).respond([message], { maxTokens: 4 });
    await assertRejects(asked.result(), /image/i);
  },
);
