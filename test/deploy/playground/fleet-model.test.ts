import { expect, test } from "vitest";
import { FLEET_PREFIX, FleetModel } from "../../../deploy/playground/fleet-model.js";
import { seededRandom } from "../../../shared/random.js";

test("machines register, change and leave, and their number stays within bounds", () => {
  const model = new FleetModel("eu-west", seededRandom(1));
  const alive = new Set<string>();
  const seen = { registered: 0, changed: 0, left: 0 };
  for (let i = 0; i < 5_000; i++) {
    const write = model.next();
    expect(write.key.startsWith(FLEET_PREFIX)).toBe(true);
    if (write.kind === "delete") {
      expect(alive.delete(write.key)).toBe(true);
      seen.left += 1;
      continue;
    }
    if (alive.has(write.key)) seen.changed += 1;
    else seen.registered += 1;
    alive.add(write.key);
    expect(JSON.parse(write.value)).toMatchObject({
      app: expect.any(String),
      status: expect.any(String),
    });
    expect(model.size).toBe(alive.size);
    expect(alive.size).toBeLessThanOrEqual(60);
  }
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(500);
});
