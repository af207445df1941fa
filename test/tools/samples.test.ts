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
    ["speed,current\n1,2\n3,\n", 'in.csv:3: Column "current" is "", expected a finite number'],
    ["speed,current\n1,2\n\n3,nan\n", 'in.csv:4: Column "current" is "nan", expected a finite number'],
    ["speed,current\n1,2\n3,4,5\n", "in.csv:3: Row has 3 columns, the header has 2"],
    ['speed,current\n1,2\n3,4"x"\n', "in.csv:3: A quote is inside a cell that does not begin with one"],
    ['speed,current\n1,2\n3,"4"x\n', "in.csv:3: Text follows a quoted cell"],
    ['speed,current\n1,2\n3,"4\n5\n', "in.csv:4: A quoted cell does not end"],
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

  it("refuses a line that does not end", () => {
    const reader = new SampleReader({ source: "stdin", inputs: ["level"] });
    const chunk = Buffer.alloc(1 << 22, "1");
    const pushForever = () => {
      for (;;) reader.push(chunk, () => {});
    };
    expect(pushForever).toThrow("stdin:1: Line is longer than 16 MiB");
  });
});
