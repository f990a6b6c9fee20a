// A generator: it answers with the last message, word by word. "call" makes it ask for a tool
// call, "fail" fails, and "hang" waits until the prediction is cancelled.
async function generate(ctl, history) {
  const text = history.at(-1).getText();
  if (text === "fail") {
    throw new Error("out of order");
  }
  if (text === "hang") {
    ctl.fragmentGenerated("hanging");
    await new Promise((_, reject) =>
      ctl.abortSignal.addEventListener("abort", () => {
        console.log("aborted");
        reject(ctl.abortSignal.reason);
      }),
    );
  }
  if (text === "call") {
    ctl.toolCallGenerationStarted({ toolCallId: "1" });
    ctl.toolCallGenerationNameReceived("add");
    ctl.toolCallGenerationArgumentFragmentGenerated('{"a":1,"b":2}');
    ctl.toolCallGenerationEnded({
      id: "1",
      type: "function",
      name: "add",
      arguments: { a: 1, b: 2 },
    });
    return;
  }
  for (const word of text.split(" ")) {
    ctl.fragmentGenerated(`${word} `, { tokenCount: 2 });
  }
}

export async function main(context) {
  context.withGenerator(generate);
}
