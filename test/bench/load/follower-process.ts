import { type Followed, Followers, type FollowJob } from "./followers.js";

/** What the process is told, in this order; it ends when it is let go. */
export type Order =
  | { readonly kind: "open"; readonly job: FollowJob }
  | { readonly kind: "begin" }
  | { readonly kind: "end"; readonly sinceMs: readonly Float64Array[] };

/** What it tells: each once, but for a failure, which may come at any time. */
export type Tiding =
  | { readonly kind: "stand" }
  | { readonly kind: "begun" }
  | { readonly kind: "have all" }
  | { readonly kind: "ended"; readonly followed: Followed }
  | { readonly kind: "failed"; readonly reason: string };

function tell(tiding: Tiding): void {
  process.send?.(tiding);
}

let followers: Followers | undefined;

function open(job: FollowJob): void {
  let toldStand = false;
  const opened = new Followers(job, () => {
    if (opened.failure !== undefined) tell({ kind: "failed", reason: opened.failure });
    else if (opened.haveAll) tell({ kind: "have all" });
    else if (opened.stand && !toldStand) {
      toldStand = true;
      tell({ kind: "stand" });
    }
  });
  followers = opened;
  opened.open().catch((error: unknown) => tell({ kind: "failed", reason: String(error) }));
}

process.on("message", (order: Order) => {
  switch (order.kind) {
    case "open":
      open(order.job);
      break;
    case "begin":
      followers?.begin();
      tell({ kind: "begun" });
      break;
    case "end":
      if (followers !== undefined) {
        tell({ kind: "ended", followed: followers.end(order.sinceMs) });
        followers.close();
      }
      break;
  }
});
process.on("disconnect", () => process.exit());
