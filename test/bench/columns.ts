/** A column of figures. */
export const right = (head: string): { head: string; align: "right" } => ({ head, align: "right" });
/** A whole number with its thousands apart. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
/** Milliseconds. */
export const ms = (value: number): string => value.toFixed(2);
