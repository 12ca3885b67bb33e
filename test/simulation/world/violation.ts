/** A safety or liveness property that did not hold; `property` names it. */
export class Violation extends Error {
  readonly property: string;

  constructor(property: string, details: string) {
    super(`${property}: ${details}`);
    this.name = "Violation";
    this.property = property;
  }
}
