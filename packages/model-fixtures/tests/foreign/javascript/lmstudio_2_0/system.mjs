import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client, LLM } from "../lmstudio.mjs";

test(
  "2.0 system: info",
  "The info has the server's process id and the version of the other call.",
  async () => {
    const info = await client.system.getInfo();
    assert.ok(Number.isInteger(info.pid) && info.pid > 0);
    assert.equal(info.isDaemon, true);
    assert.equal(info.version, (await client.system.getLMStudioVersion()).version);
  },
);

test("2.0 system: variants", "A model without variants is refused with the reason.", async () => {
  await assertRejects(client.system.listDownloadedModelVariants(LLM), /has no variants/);
});

test(
  "2.0 system: variants of an unknown model",
  "The error for an unknown model names it.",
  async () => {
    await assertRejects(
      client.system.listDownloadedModelVariants("no-such-model"),
      /no-such-model/,
    );
  },
);

test(
  "2.0 system: new facts of models",
  "The infos of downloaded models have their publisher and indexed identifier.",
  async () => {
    const models = await client.system.listDownloadedModels();
    const info = models.find((model) => model.modelKey === LLM);
    assert.equal(info.publisher, "hugging-quants");
    assert.equal(info.indexedModelIdentifier, info.path);
    assert.equal(info.deviceIdentifier, null);
  },
);
