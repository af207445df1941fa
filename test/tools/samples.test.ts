import { describe, expect, it } from "vitest";
import { SampleError } from "../../host/model/errors.ts";
import { CliError } from "../../tools/errors.ts";
import { SampleReader, type SampleReaderOptions } from "../../tools/samples/reader.ts";

type Options = Partial<SampleReaderOptions> & { chunkBytes?: number };

/** Reads `text` in chunks; answers the samples and the message of the error that ended them. */
function read(text: string, options: Options = {}): { samples: number[][]; error?: string } {
  const reader = new SampleReader({ source: "in.csv", inputs: ["speed", "current"], ...options });
  const samples: number[][] = [];
  const onSample = (sample: Float64Array) => samples.push([...sample]);
  const bytes = Buffer.from(text);
  const step = options.chunkBytes ?? bytes.length;
  try {
    for (let i = 0; i < bytes.length; i += step) reader.push(bytes.subarray(i, i + step), onSample);
    reader.end(onSample);
    return { samples };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { samples, error: error.message };
  }
}

describe("SampleReader", () => {
  it("reads NDJSON arrays in the order of the inputs", () => {
    expect(read("[1,2]\n[3.5,-4e2]\n")).toEqual({
      samples: [
        [1, 2],
        [3.5, -400],
      ],
    });
  });

  it("reads NDJSON objects by input name", () => {
    expect(read('{"current":2,"speed":1,"note":"x"}\n')).toEqual({ samples: [[1, 2]] });
  });

  it("reads plain numbers for a model with one input", () => {
    expect(read("1\n-2.5\n", { inputs: ["level"] })).toEqual({ samples: [[1], [-2.5]] });
  });

  it("matches the columns of a CSV by name and ignores the others", () => {
    expect(read("time,current,speed\n09:00,2,1\n09:01,4,3\n")).toEqual({
      samples: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it("reads quoted cells, also over several lines", () => {
    expect(read('speed, "note",current\n1,"",2\n3,"x, ""y""",4')).toEqual({
      samples: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(read('"speed","note","current"\n1,"a, ""b""\nc",2\n"3",,4\n')).toEqual({
      samples: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it.each([";", "\t"])("finds the delimiter %j in the header", (delimiter) => {
    expect(read(`speed${delimiter}current\n1${delimiter}2\n`)).toEqual({ samples: [[1, 2]] });
  });

  it("accepts a byte order mark, CRLF, empty lines and a last line without newline", () => {
    expect(read("\ufeffspeed,current\r\n\r\n1,2\r\n3,4")).toEqual({
      samples: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(read('"speed","current"\r\n"1","2"\r\n')).toEqual({ samples: [[1, 2]] });
  });

  it("answers the same whatever the size of the chunks", () => {
    for (const chunkBytes of [1, 2, 3, 7]) {
      expect(read("speed,µ,current\n1,é,2\n3,é,4", { chunkBytes })).toEqual({
        samples: [
          [1, 2],
          [3, 4],
        ],
      });
    }
  });

  it("hands over each line as soon as it is complete", () => {
    const reader = new SampleReader({ source: "stdin", inputs: ["level"] });
    const seen: number[] = [];
    reader.push(Buffer.from("[1]\n[2"), ([level]) => seen.push(level as number));
    expect(seen).toEqual([1]);
    reader.push(Buffer.from("]\n"), ([level]) => seen.push(level as number));
    expect(seen).toEqual([1, 2]);
  });

  it.each([
    ["[1,2]\nhello\n", "in.csv:2: Line is not JSON: hello"],
    ["[1,2]\n[1]\n", "in.csv:2: Sample has 1 values, the model has 2 inputs: speed, current"],
    ['[1,2]\n[1,"2"]\n', 'in.csv:2: Input "current" is "2", expected a finite number'],
    ["[1,2]\n[null,2]\n", 'in.csv:2: Input "speed" is null, expected a finite number'],
    ["[1,2]\n[1e999,2]\n", 'in.csv:2: Input "speed" is too large, expected a finite number'],
    ['[1,2]\n{"speed":1}\n', 'in.csv:2: Input "current" is missing'],
    ["[1,2]\n3\n", "in.csv:2: Line is 3, expected an array or an object"],
    ["speed,current\n1,2\n3,\n", 'in.csv:3: Column "current" is "", expected a decimal number'],
    ["speed,current\n1,2\n\n3,nan\n", 'in.csv:4: Column "current" is "nan", expected a decimal number'],
    ["speed,current\n1,2\n1,0x10\n", 'in.csv:3: Column "current" is "0x10", expected a decimal number'],
    ['speed,current\n1,2\n3,"4\n5"\n', 'in.csv:3: Column "current" is "4\n5", expected a decimal number'],
    ["speed,current\n1,2\n3,4,5\n", "in.csv:3: Row has 3 columns, the header has 2"],
    ['speed,current\n1,2\n3,4"x"\n', "in.csv:3: A quote is inside a cell that does not begin with one"],
    ['speed,current\n1,2\n3,"4"x\n', "in.csv:3: Text follows a quoted cell"],
    ['speed,current\n1,2\n3,"4\n5\n', "in.csv:3: A quoted cell does not end; a quote is missing or too many"],
  ])("refuses a bad row after the rows before it: %j", (text, error) => {
    expect(read(text)).toEqual({ samples: [[1, 2]], error });
  });

  it("tells that the names of the columns are missing", () => {
    expect(read("1,2\n3,4\n", { format: "csv" }).error).toBe(
      "in.csv:1: CSV begins with a line of column names, found 1,2; without one, write [1,2]",
    );
  });

  it("names a missing column and what the header has", () => {
    expect(read("speed,amps\n1,2\n").error).toBe(
      'in.csv:1: Column "current" is missing; the header has "speed", "amps"',
    );
    expect(read("speed,current,speed\n").error).toBe('in.csv:1: Column "speed" is there twice');
  });

  it("takes CSV for NDJSON only when told so", () => {
    expect(read("speed,current\n", { format: "ndjson" }).error).toBe("in.csv:1: Line is not JSON: speed,current");
  });

  it("puts the line before the text of a sample that the session refuses", () => {
    const reader = new SampleReader({ source: "stdin", inputs: ["token"] });
    const refuse = () => {
      throw new SampleError("Token is 9, expected 0 to 7");
    };
    expect(() => reader.push(Buffer.from("\n9\n"), refuse)).toThrow("stdin:2: Token is 9, expected 0 to 7");
  });

  it("shows what stands in place of a number in at most 40 characters, and nothing of deep nesting", () => {
    const found = (json: string) => read(json).error?.replace("in.csv:1: ", "");
    const long = `["${"x".repeat(50)}"]`;
    expect(found(`[1,${long}]`)).toBe(`Input "current" is ["${"x".repeat(38)}, expected a finite number`);
    expect(read(`"${"x".repeat(50)}"`, { format: "ndjson" }).error).toBe(
      `in.csv:1: Line is "${"x".repeat(39)}, expected an array or an object`,
    );
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    expect(found(`[1,${deep}]`)).toBe('Input "current" is nested too deeply, expected a finite number');
    expect(found(`[1,1e999]`)).toBe('Input "current" is too large, expected a finite number');
    expect(read(`{"t":${deep},"speed":1,"current":2}`, { time: "t" }).error).toBe(
      'in.csv:1: Time "t" is nested too deeply, expected ISO 8601 or Unix time',
    );
  });

  it("refuses a line that does not end", () => {
    const reader = new SampleReader({ source: "stdin", inputs: ["level"] });
    const chunk = Buffer.alloc(1 << 22, "1");
    const pushForever = () => {
      for (;;) reader.push(chunk, () => {});
    };
    expect(pushForever).toThrow("stdin:1: Line is longer than 16 MiB");
  });

  it("reads a decimal comma where it is told to", () => {
    const text = 'speed;current\n1,5;-2\n"3,25";1.5\n';
    expect(read(text, { hasDecimalComma: true })).toEqual({
      samples: [[1.5, -2]],
      error: 'in.csv:3: Column "current" is "1.5", expected a decimal number',
    });
  });

  it("finds a dropped quote within 100 lines, and tells its line", () => {
    const rows = Array.from({ length: 80_000 }, (_, t) => (t === 500 ? `${t},"2` : `${t},2`));
    const reader = new SampleReader({ source: "in.csv", inputs: ["t"] });
    let count = 0;
    const push = () => reader.push(Buffer.from(`t,x\n${rows.join("\n")}\n`), () => count++);
    expect(push).toThrow("in.csv:502: A quoted cell does not end");
    expect([count, reader.line]).toEqual([500, 502 + 100]);
  });

  it("finds a dropped quote within 65536 characters", () => {
    const reader = new SampleReader({ source: "in.csv", inputs: ["t"] });
    const push = () => reader.push(Buffer.from(`t\n"1\n${`${"1".repeat(20_000)}\n`.repeat(9)}`), () => {});
    expect(push).toThrow("in.csv:2: A quoted cell does not end");
    expect(reader.line).toBe(2 + 4);
  });

  it("takes a quoted cell of several lines, an empty one among them", () => {
    expect(read('speed,note,current\n1,"a\n\nb ""c""\n",2\n3,,4\n')).toEqual({
      samples: [
        [1, 2],
        [3, 4],
      ],
    });
  });
});

describe("SampleReader that skips bad rows", () => {
  /** Reads a text. Answers the first values of the samples, and what is bad. */
  function skip(text: string, inputs = ["t"]) {
    const [samples, bad]: [number[], [string, number][]] = [[], []];
    const onBadRow = (error: Error, lines: number) => bad.push([error.message, lines]);
    const reader = new SampleReader({ source: "in", inputs, onBadRow });
    for (let at = 0; at < text.length; at += 1000) {
      reader.push(Buffer.from(text.slice(at, at + 1000)), ([value]) => samples.push(value as number));
    }
    reader.end(([value]) => samples.push(value as number));
    return { samples, bad };
  }
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  it("loses one row to a dropped quote, in the middle or near the end", () => {
    for (const at of [500, 990]) {
      const rows = numbers(0, 1000).map((t) => (t === at ? `${t},"2` : `${t},2`));
      const { samples, bad } = skip(`t,x\n${rows.join("\n")}\n`);
      expect(samples).toEqual([...numbers(0, at), ...numbers(at + 1, 1000)]);
      expect(bad).toEqual([[`in:${at + 2}: A quoted cell does not end; a quote is missing or too many`, 1]]);
    }
  });

  it("counts every line of a record that is bad", () => {
    expect(skip('t,x\n1,"2\n3,4"\n5,6\n')).toEqual({ samples: [1, 5], bad: [] });
    expect(skip('t,x\n1,"2\n3,4",9\n5,6\n')).toEqual({
      samples: [5],
      bad: [["in:2: Row has 3 columns, the header has 2", 2]],
    });
  });

  it("skips rows of NDJSON, and lines that do not end", () => {
    const { samples, bad } = skip(`[1]\nx\n[2]\n${"[".repeat((1 << 24) + 1000)}\n[3]\n`);
    expect(samples).toEqual([1, 2, 3]);
    expect(bad.map(([message]) => message)).toEqual(["in:2: Line is not JSON: x", "in:4: Line is longer than 16 MiB"]);
  });

  it("does not skip a header: nothing after it could be read", () => {
    expect(() => skip("a,b\n1,2\n")).toThrow('in:1: Column "t" is missing');
    expect(() => skip('"t,x\n1,2\n')).toThrow("in:1: A quoted cell does not end");
  });
});
