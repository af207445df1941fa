import { describe, expect, it } from "vitest";
import { isJournal } from "../host/journal.ts";

describe("isJournal", () => {
  const stat = () => ({ dev: 9, ino: 1234 });

  it("is true where the journal reads standard error", () => {
    expect(isJournal({ JOURNAL_STREAM: "9:1234" }, stat)).toBe(true);
  });

  it("is false without a journal, and where standard error goes elsewhere", () => {
    expect(isJournal({}, stat)).toBe(false);
    expect(isJournal({ JOURNAL_STREAM: "" }, stat)).toBe(false);
    expect(isJournal({ JOURNAL_STREAM: "9:1235" }, stat)).toBe(false);
    expect(isJournal({ JOURNAL_STREAM: "9:1234" })).toBe(false);
  });

  it("is false where standard error is closed", () => {
    const closed = () => {
      throw new Error("EBADF");
    };
    expect(isJournal({ JOURNAL_STREAM: "9:1234" }, closed)).toBe(false);
  });
});
