import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { client } from "../lmstudio.mjs";
import { settings } from "../settings.mjs";

test(
  "2.0 plugins: base URL",
  "A registration has the address at which the plugin finds the server.",
  async () => {
    const manifest = { type: "plugin", runner: "node", owner: "foreign", name: "addressed" };
    const registered = await client.plugins.registerDevelopmentPlugin({ manifest });
    await registered.unregister();
    assert.equal(registered.baseUrl, `ws://${settings.address}`);
  },
);
