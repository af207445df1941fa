import type { TestOptions } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** What the test is skipped for. */
    lacks?: readonly string[];
  }
}

/**
 * Options of a test, or of tests, that need something of the machine: skipped where it is missing, with the reason.
 *
 * @param things  whether the machine has each: names that INSTALL of skip-reporter.ts knows, or words for people
 */
export const needs = (things: Readonly<Record<string, boolean>>): TestOptions =>
  lacking(Object.keys(things).filter((name) => !things[name]));

/** The same where what is missing is known. */
export const lacking = (lacks: readonly string[]): TestOptions =>
  lacks.length === 0 ? {} : { skip: true, meta: { lacks } };
