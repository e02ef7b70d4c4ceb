/** Why `npm start` can't go on, in one sentence for whoever typed it. Printed without a stack. */
export class StartProblem extends Error {
  override name = "StartProblem";
}
