import { describe, expect, it } from "vitest";
import { namesProblem, ownNames, Token } from "../../host/web/access.ts";

const names = new Set([...ownNames("127.0.0.1"), "plant.example"]);

describe("namesProblem", () => {
  it.each([
    "localhost:8099",
    "127.0.0.1",
    "[::1]:8099",
    "192.168.1.20:8099",
    "plant.example",
    "PLANT.example:443",
    "x.localhost",
  ])("takes %s", (host) => {
    expect(namesProblem({ host }, names)).toBeUndefined();
  });

  it.each(["evil.example", "evil.example:8099", "127.0.0.1.evil.example", "localhost.evil.example"])(
    "refuses a name that was led to this machine: %s",
    (host) => {
      expect(namesProblem({ host }, names)).toMatch(/does not answer to the name/);
    },
  );

  it.each(["", " ", "a b", "\u0000"])("refuses a host that is none: %j", (host) => {
    expect(namesProblem({ host }, names)).toBe("The request names no host");
  });

  it("answers any name where the configuration says so", () => {
    expect(namesProblem({ host: "any.example" }, new Set(["*"]))).toBeUndefined();
  });

  it("takes its own pages, and those of names that it knows", () => {
    expect(namesProblem({ host: "localhost", origin: "http://localhost" }, names)).toBeUndefined();
    expect(namesProblem({ host: "10.0.0.2", origin: "https://plant.example" }, names)).toBeUndefined();
  });

  it.each(["http://evil.example", "null", "http://evil.example:8099"])("refuses pages of %s", (origin) => {
    expect(namesProblem({ host: "localhost", origin }, names)).toMatch(/does not answer pages of/);
  });

  it("refuses what another site asks for, but for a link to the page", () => {
    const headers = { host: "localhost", "sec-fetch-site": "cross-site" };
    expect(namesProblem({ ...headers, "sec-fetch-mode": "no-cors" }, names)).toMatch(/other sites/);
    expect(namesProblem({ ...headers, "sec-fetch-mode": "navigate" }, names)).toBeUndefined();
  });

  it("shows a hostile name as plain text", () => {
    expect(namesProblem({ host: "localhost", origin: "http://\u202eevil" }, names)).not.toMatch(/\u202e/);
  });
});

describe("Token", () => {
  const start = (token = "correct horse battery") => {
    let now = 1_000_000;
    const checker = new Token(token, () => now);
    const wait = (ms: number) => {
      now += ms;
    };
    return { checker, wait };
  };

  it("knows the right one", () => {
    const { checker } = start();
    expect(checker.check("correct horse battery", "a")).toBe("right");
    expect(checker.check("correct horse", "a")).toBe("wrong");
    expect(checker.check("", "a")).toBe("wrong");
  });

  it("looks at no more tries of an address after five wrong ones in a row, for a minute", () => {
    const { checker, wait } = start();
    for (let i = 0; i < 5; i++) expect(checker.check("wrong", "a")).toBe("wrong");
    expect(checker.check("correct horse battery", "a")).toBe("too often");
    expect(checker.check("correct horse battery", "b")).toBe("right");
    wait(60_000);
    expect(checker.check("correct horse battery", "a")).toBe("right");
  });

  it("looks at no more tries of anyone after fifty wrong ones, for a minute", () => {
    const { checker, wait } = start();
    for (let i = 0; i < 50; i++) expect(checker.check("wrong", `a${i}`)).toBe("wrong");
    expect(checker.check("correct horse battery", "b")).toBe("too often");
    wait(60_000);
    expect(checker.check("correct horse battery", "b")).toBe("right");
  });

  it("opens sessions that outlive the process, and end with the token or their time", () => {
    const { checker } = start();
    const { value, seconds } = checker.openSession();
    expect(start().checker.isSession(value)).toBe(true);
    expect(start("another token, as long").checker.isSession(value)).toBe(false);
    const later = start();
    later.wait(seconds * 1000);
    expect(later.checker.isSession(value)).toBe(false);
  });

  it.each(["", ".", "1.x", "99999999999.", "99999999999.abc", "x.y.z"])(
    "takes no other text for a session: %j",
    (text) => {
      expect(start().checker.isSession(text)).toBe(false);
    },
  );
});
