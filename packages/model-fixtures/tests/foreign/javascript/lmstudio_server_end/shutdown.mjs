import { test } from "../case_list.mjs";
import { assertRejects, expectWarnings, newClient } from "../lmstudio.mjs";

const silent = () => {};
const logger = { info: silent, warn: silent, error: silent, debug: silent };

test(
  "2.0 system: request shutdown",
  "The server answers and ends, which clients that wait for it notice.",
  async () => {
    const client = newClient({ logger });
    await client.system.getLMStudioVersion();
    const gone = client.system.whenDisconnected();
    await client.system.requestShutdown();
    await gone;
  },
);

test("2.0 system: after the shutdown", "A new client is refused.", async (warnings) => {
  await assertRejects(newClient().system.getLMStudioVersion(), /ECONNREFUSED|refused/);
  await expectWarnings(warnings, /refused/i);
});
