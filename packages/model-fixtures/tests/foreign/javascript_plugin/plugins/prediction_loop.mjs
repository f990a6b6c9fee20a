// A prediction loop handler: it does the whole turn itself and answers with what the user has said.
// "fail" makes it fail, and "hang" makes it wait until the turn is aborted.
async function handle(ctl) {
  const text = (await ctl.pullHistory()).at(-1).getText();
  if (text === "fail") {
    throw new Error("out of order");
  }
  const block = ctl.createContentBlock();
  if (text === "hang") {
    block.appendText("hanging");
    await new Promise((_, reject) =>
      ctl.abortSignal.addEventListener("abort", () => {
        console.log("aborted");
        reject(ctl.abortSignal.reason);
      }),
    );
  }
  block.appendText(`You said: ${text}`);
}

export async function main(context) {
  context.withPredictionLoopHandler(handle);
}
