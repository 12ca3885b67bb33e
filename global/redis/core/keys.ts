/** What one set of keys mirrors: a region's section of a summary, or the merge over regions. */
export interface UnitId {
  readonly summary: string;
  /** Undefined for the merged view. */
  readonly region: string | undefined;
}

/** The keys of one unit: all in one slot of a Redis Cluster, by their common hash tag. */
export interface UnitKeys {
  /** Hash: version, definition, freshness. */
  readonly meta: string;
  /** Hash: group key to its measures as JSON. */
  readonly groups: string;
  /** Stream of changes. */
  readonly changes: string;
  /** What the keys of writes that are not complete yet begin with. */
  readonly stage: string;
}

/** A unit's name: `machines@eu-west`, or `machines` for the merged view. */
export function unitName({ summary, region }: UnitId): string {
  return region === undefined ? summary : `${summary}@${region}`;
}

/** The unit that a name stands for; neither summaries nor regions have an @ in their names. */
export function unitOf(name: string): UnitId {
  const at = name.indexOf("@");
  if (at < 0) return { summary: name, region: undefined };
  return { summary: name.slice(0, at), region: name.slice(at + 1) };
}

/** The keys of a unit, such as `atoll:{machines@eu-west}:groups`. */
export function unitKeys(prefix: string, name: string): UnitKeys {
  const key = `${prefix}{${name}}:`;
  return {
    meta: `${key}meta`,
    groups: `${key}groups`,
    changes: `${key}changes`,
    stage: `${key}stage:`,
  };
}

/** A set of the names of all units that have groups. */
export function unitsKey(prefix: string): string {
  return `${prefix}{index}:units`;
}

/** A random text, in the same slot: gone or another one means that Redis has lost its data. */
export function epochKey(prefix: string): string {
  return `${prefix}{index}:epoch`;
}
