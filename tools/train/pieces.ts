// Sequences → the parts that are learned from, that stop the learning, and that only the report sees.

import type { Sequence } from "./data/sequences.ts";
import { readRows } from "./data/sequences.ts";
import type { RowStore } from "./data/store.ts";

/** Some steps of a sequence. The answer of step t is in row t + ahead, which is there. */
export interface Piece {
  readonly sequence: Sequence;
  /** Row of the first step. */
  readonly from: number;
  readonly steps: number;
  /** Rows before `from` that may be read to know the past. */
  readonly lead: number;
}

/** The three parts of the data, in the order of time within each sequence. */
export interface Parts {
  /** Rows that are learned from. */
  readonly fit: readonly Piece[];
  /** Rows that decide when to stop and what to choose. */
  readonly stop: readonly Piece[];
  /** Rows that nothing was chosen by. */
  readonly heldOut: readonly Piece[];
}

/** How data are divided. */
export interface Shares {
  readonly stop: number;
  readonly heldOut: number;
}

/** Steps of a piece. */
const PIECE_STEPS = 1024;
/** Steps of a part; of more, pieces evenly spread. */
const MOST_STEPS = { fit: 500_000, stop: 30_000, heldOut: 60_000 } as const;

/**
 * Divides sequences.
 *
 * @param ahead  rows between a step and its last answer
 * @param lead   rows that may be read before a piece
 */
export function divide(sequences: readonly Sequence[], shares: Shares, ahead: number, lead: number): Parts {
  const part = (name: keyof typeof MOST_STEPS, from: (rows: number) => number, to: (rows: number) => number) =>
    thin(
      sequences.flatMap((sequence) => piecesOf(sequence, from(sequence.rows), to(sequence.rows) - ahead, lead)),
      MOST_STEPS[name],
    );
  const stopFrom = (rows: number) => Math.floor(rows * (1 - shares.stop - shares.heldOut));
  const heldFrom = (rows: number) => Math.floor(rows * (1 - shares.heldOut));
  return {
    fit: part("fit", () => 0, stopFrom),
    stop: part("stop", stopFrom, heldFrom),
    heldOut: part("heldOut", heldFrom, (rows) => rows),
  };
}

/** Steps from row `from` up to row `to` of a sequence. */
function piecesOf(sequence: Sequence, from: number, to: number, lead: number): Piece[] {
  const pieces: Piece[] = [];
  for (let at = from; at < to; at += PIECE_STEPS) {
    pieces.push({ sequence, from: at, steps: Math.min(PIECE_STEPS, to - at), lead: Math.min(lead, at) });
  }
  return pieces;
}

/** Evenly spread pieces with about `most` steps in all. */
function thin(pieces: readonly Piece[], most: number): readonly Piece[] {
  const total = stepsOf(pieces);
  if (total <= most) return pieces;
  const keep = most / total;
  return pieces.filter((_, i) => Math.floor((i + 1) * keep) > Math.floor(i * keep));
}

/** Steps of all pieces. */
export function stepsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { steps }) => sum + steps, 0);
}

/**
 * Reads the rows of a piece from its lead to its last answer.
 *
 * @returns f32[lead + steps + ahead][width]
 */
export function readPiece(store: RowStore, { sequence, from, steps, lead }: Piece, ahead: number): Float32Array {
  return readRows(store, sequence, from - lead, lead + steps + ahead);
}
