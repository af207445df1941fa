/** Whether tests over many random cases run in full, as `.ci/run` asks for by RIVULET_TESTS=full. */
const isFull = process.env.RIVULET_TESTS === "full";

/** How many cases a test goes through: all of them in a full run, few in `npm test`. */
export const many = (full: number, few: number): number => (isFull ? full : few);
