import {
  MAX_TRANSFERS_IN_PROGRESS,
  MESH_FLIGHT_MEMORY_BYTES,
  MESH_FRAME_TARGET_BYTES,
} from "../../../shared/limits.js";
import type { Attestation } from "../../digest/attestation.js";
import type { Transfer } from "../../digest/delta.js";
import type { Section, SectionId } from "../../digest/section.js";
import type { FrameWriter } from "./frame-writer.js";

/** Memory that a group, and a cell of it, take at a receiver, about; keys of a usual length. */
const GROUP_BYTES = 256;
const CELL_BYTES = 48;

/** A section's news on its way in several frames. */
interface Flight {
  readonly id: SectionId;
  readonly chunks: readonly Uint8Array[];
  /** The origin's word for what they lead to; goes with the last of them. */
  readonly word: Attestation | undefined;
  /** What they take at the receiver until they are complete. */
  readonly memory: number;
  next: number;
}

/**
 * What a stream has on its way in several frames, by turns. Bounded by number and by
 * what the receiver has to gather, which gives up what is beyond its own bounds.
 */
export class Flights {
  readonly #flights = new Map<string, Flight>();
  #memory = 0;

  get size(): number {
    return this.#flights.size;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Whether news of so much memory may set out now; the first always may. */
  hasRoom(memory: number): boolean {
    if (this.#flights.size === 0) return true;
    if (this.#flights.size >= MAX_TRANSFERS_IN_PROGRESS) return false;
    return this.#memory + memory <= MESH_FLIGHT_MEMORY_BYTES;
  }

  /** Sets out; the first of the chunks is sent already. */
  add(key: string, news: Omit<Flight, "next">): void {
    this.#flights.set(key, { ...news, next: 1 });
    this.#memory += news.memory;
  }

  /** Fills a frame, in turn, so that no large section holds up another; tells who arrived. */
  carryOn(frame: FrameWriter, arrived: (id: SectionId) => void): void {
    while (this.#flights.size > 0) {
      for (const [key, flight] of this.#flights) {
        if (frame.size >= MESH_FRAME_TARGET_BYTES) return;
        frame.chunk(flight.chunks[flight.next++] as Uint8Array);
        if (flight.next < flight.chunks.length) continue;
        this.#flights.delete(key);
        this.#memory -= flight.memory;
        if (flight.word !== undefined) frame.attestation(flight.word);
        arrived(flight.id);
      }
    }
  }
}

/** Memory that a transfer takes at its receiver until it is complete, about. */
export function memoryOf({ changes }: Transfer, { schema, content }: Section): number {
  return changes.size * (GROUP_BYTES + schema.measures.length * CELL_BYTES) + content.packedBytes;
}
