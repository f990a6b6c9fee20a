// A prompt preprocessor that shows a setting of the chat and one of all chats, the chat so far, and
// a status. The message "fail" makes it fail, and "hang" makes it wait until the turn is aborted.
import { createConfigSchematics } from "@lmstudio/sdk";

const chatSettings = createConfigSchematics()
  .field("ending", "string", { displayName: "Ending" }, "!")
  .field("times", "numeric", { displayName: "Times", int: true }, 1)
  .build();
const globalSettings = createConfigSchematics()
  .field("greeting", "string", { displayName: "Greeting" }, "Hello,")
  .build();

async function preprocess(ctl, message) {
  const text = message.getText();
  if (text === "fail") {
    throw new Error("out of order");
  }
  const status = ctl.createStatus({ status: "loading", text: "preprocessing" });
  if (text === "hang") {
    await new Promise((_, reject) =>
      ctl.abortSignal.addEventListener("abort", () => {
        console.log("aborted");
        reject(ctl.abortSignal.reason);
      }),
    );
  }
  const before = (await ctl.pullHistory()).getLength();
  const ending = ctl.getPluginConfig(chatSettings).get("ending");
  const times = ctl.getPluginConfig(chatSettings).get("times");
  const greeting = ctl.getGlobalPluginConfig(globalSettings).get("greeting");
  status.setState({ status: "done", text: `${before} messages before` });
  return `${greeting} ${`${text} `.repeat(times).trim()}${ending}`;
}

export async function main(context) {
  context
    .withConfigSchematics(chatSettings)
    .withGlobalConfigSchematics(globalSettings)
    .withPromptPreprocessor(preprocess);
}
