// What `npm start` runs: plain JavaScript without packages, so that any Node.js can say what is
// missing. The packages bring a Node.js that runs TypeScript.
try {
  if (!process.features.typescript) throw new Error(`Node.js ${process.version} is too old`);
  await import("./start.ts");
} catch (error) {
  const isMissing =
    error.code === "ERR_MODULE_NOT_FOUND" && /^Cannot find package/.test(error.message);
  if (!isMissing && process.features.typescript) throw error;
  const reason = error.message.replace(/ imported from .*/, "");
  console.error(
    `The packages of this project are not installed (${reason}). Run "npm ci", then "npm start" again.`,
  );
  process.exitCode = 1;
}
